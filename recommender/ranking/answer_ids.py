"""What a `recommendation_id` says, as text that fits into an address; `services.recommending` signs it."""

from __future__ import annotations

from dataclasses import dataclass

FIRST = "2"  # of the format; another one begins otherwise
SOURCES = {"s": "slate", "f": "fallback", "x": "session", "h": "holdout", "i": "interleaved"}


class NotAnAnswerId(ValueError):
    """The text was not made here."""


@dataclass(frozen=True, slots=True)
class AnswerId:
    """Which answer it was.

    Attributes:
        run: key of the publication, 0 for none
        end_user: key, 0 for a stranger
        placement: key, 0 where the placement has no row
        version: key of the placement's version, 0 for the rules that it starts with
        source: one letter of `SOURCES`
        variants: keys of the experiments' variants that had a say
        teams: of interleaved lists, which list placed which item, see `evaluation.interleaving.mark`
        at_ms: when it was given, milliseconds since 1970
    """

    run: int
    end_user: int
    placement: int
    version: int
    source: str
    at_ms: int
    variants: tuple[int, ...] = ()
    teams: int = 0

    def to_text(self) -> str:
        """Return letters, digits, dots and dashes."""
        variants = "-".join(map(str, self.variants))
        return (
            f"{FIRST}.{self.run}.{self.end_user}.{self.placement}.{self.version}.{self.source}"
            f".{variants}.{self.teams:x}.{self.at_ms:x}"
        )

    @classmethod
    def from_text(cls, text: str) -> AnswerId:
        """Return what `to_text` wrote.

        Raises:
            NotAnAnswerId: it did not.
        """
        try:
            first, run, end_user, placement, version, source, variants, teams, at_ms = text.split(
                "."
            )
            if first != FIRST or source not in SOURCES:
                raise ValueError
            return cls(
                run=int(run),
                end_user=int(end_user),
                placement=int(placement),
                version=int(version),
                source=source,
                variants=tuple(int(one) for one in variants.split("-")) if variants else (),
                teams=int(teams, 16),
                at_ms=int(at_ms, 16),
            )
        except ValueError:
            raise NotAnAnswerId(f"{text[:100]!r} is no recommendation_id.") from None
