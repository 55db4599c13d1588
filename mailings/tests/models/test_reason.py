from mailings.models import Reason
from mailings.sending import reply


class TestReason:
    def test_has_words_for_every_code_of_the_engine(self):
        assert {code.value for code in reply.Reason} - set(Reason.values) == set()
