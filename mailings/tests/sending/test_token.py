import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailings.sending.token import Seal, seal, unseal

KEY, OLD = b"k" * 32, b"o" * 32
NUMBERS = st.integers(0, 2**64 - 1)


class TestToken:
    @given(NUMBERS)
    def test_comes_back_as_the_number(self, number):
        assert unseal(seal(number, KEY), [KEY]) == number

    @given(NUMBERS)
    def test_opens_with_a_former_key_and_no_other(self, number):
        token = seal(number, OLD)

        assert unseal(token, [KEY, OLD]) == number
        assert unseal(token, [KEY]) is None
        assert unseal(token, []) is None

    @given(NUMBERS, st.integers(0, 23), st.sampled_from("AZaz09-_"))
    def test_does_not_stand_a_changed_character(self, number, place, char):
        token = seal(number, KEY)
        changed = token[:place] + char + token[place + 1 :]

        assert unseal(changed, [KEY]) == (number if changed == token else None)

    @given(st.text(max_size=40))
    def test_never_raises_on_garbage(self, garbage):
        assert unseal(garbage, [KEY]) is None

    def test_is_short_and_always_the_same(self):
        assert seal(7, KEY) == seal(7, KEY)
        assert len(seal(2**64 - 1, KEY)) == 24

    @pytest.mark.parametrize(
        ("number", "token"),
        [(0, "rLUpLxNWDkMP5yoC-KHYxFsq"), (7, "-QzIEeGKrgONgEZDavvvzfwr"), (2**64 - 1, "Rwh0SAA4VDMRcWz9cctdaF__")],
    )
    def test_is_what_letters_already_sent_hold(self, number, token):
        assert seal(number, KEY) == token
        assert unseal(token, [OLD, KEY]) == number

    @given(st.lists(NUMBERS, max_size=4))
    def test_does_not_depend_on_what_was_sealed_before(self, numbers):
        kept = Seal(KEY)

        assert [kept.seal(number) for number in numbers] == [seal(number, KEY) for number in numbers]

    def test_does_not_tell_neighbours(self):
        tokens = [seal(number, KEY) for number in range(200)]

        assert len({token[:4] for token in tokens}) > 190
        assert len({token[-4:] for token in tokens}) > 190

    @pytest.mark.parametrize("number", [-1, 2**64])
    def test_is_for_64_bits(self, number):
        with pytest.raises(OverflowError):
            seal(number, KEY)
