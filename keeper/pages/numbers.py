"""How integers of smallest units are written for people: exactly, thousands separated."""

__all__ = ["money_text", "percent_text", "trimmed_text"]

_TEN_THOUSAND = 10_000


def money_text(value: int, decimals: int, *, short: bool = False) -> str:
    """Write an integer with `decimals` exactly; `short` drops trailing zeros."""
    sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    fraction = fraction.rstrip("0") if short else fraction
    return f"{sign}{int(whole):,}{'.' + fraction if fraction else ''}"


def trimmed_text(value: int, decimals: int, *, least: int) -> str:
    """Write exactly, without trailing zeros beyond `least` decimals."""
    whole, _, fraction = money_text(value, decimals).partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else whole


def percent_text(part: int, whole: int, *, signed: bool = False) -> str:
    """Write a share in hundredths of a percent, towards zero; "-" when the whole is not positive.

    `signed` puts a plus before a gain.
    """
    if whole <= 0:
        return "-"
    hundredths = abs(part) * _TEN_THOUSAND // whole
    sign = "-" if part < 0 else "+" if signed and hundredths else ""
    return f"{sign}{money_text(hundredths, 2)} %"
