"""What a municipality's families have no provider for: reported, never filled."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalogue import Catalogue

NATIONAL = "national"


@dataclass(frozen=True)
class Gaps:
    """Kinds of support by how near the nearest provider is, in the taxonomy's order."""

    nowhere: tuple[str, ...]  # no entry in any layer of the municipality
    national_only: tuple[str, ...]  # only an entry for the whole country


def gaps(catalogue: Catalogue, municipality: str) -> Gaps:
    """The gaps of a municipality. Raises KeyError for an unknown one."""
    layers: dict[str, set[str]] = {kind: set() for kind in catalogue.taxonomy.kinds}
    for service in catalogue.in_municipality(municipality):
        for kind in service.kinds:
            layers[kind].add(service.layer)
    return Gaps(
        nowhere=tuple(kind for kind, found in layers.items() if not found),
        national_only=tuple(kind for kind, found in layers.items() if found == {NATIONAL}),
    )
