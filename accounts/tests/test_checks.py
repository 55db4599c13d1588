import pytest

from accounts.checks import check_door


class TestTheDoor:
    @pytest.mark.parametrize(
        ("proxies", "trusts_https", "found"),
        [
            ([], False, []),
            (["127.0.0.1", "10.0.0.0/8", "::1"], False, []),
            (["127.0.0.1"], True, []),
            (["nginx", "10.0.0.0/99"], False, ["accounts.E001", "accounts.E001"]),
            ([], True, ["accounts.W002"]),
        ],
    )
    def test_is_explained_where_it_is_set_wrong(self, settings, proxies, trusts_https, found):
        settings.TRUSTED_PROXIES, settings.TRUST_X_FORWARDED_PROTO = proxies, trusts_https

        faults = check_door()

        assert [fault.id for fault in faults] == found
        assert all(fault.hint for fault in faults)
