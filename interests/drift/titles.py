"""Words from which the simulated bookshop makes its titles; everything here was made up for it.

A title joins a category's way of speaking with the words of a theme. Themes run through all categories,
so what a reader likes is more than a category: somebody drawn to the sea finds it in a mystery and in a
cookbook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

# Category -> patterns of single titles. Where a category has series, SERIES holds their patterns.
PATTERNS: dict[str, tuple[str, ...]] = {
    "Mystery": ("The {adj} {noun}", "Death at the {noun}", "The {noun} Inquest", "A {noun} Too Many"),
    "Science Fiction": ("{noun} Protocol", "The {adj} Orbit", "Beyond the {noun}", "{place} Is Silent"),
    "Fantasy": ("The {adj} Crown", "Song of the {noun}", "Witch of {place}", "The {noun} Oath"),
    "Romance": ("A {adj} Summer", "Letters from {place}", "Meet Me at the {noun}", "Almost {adj}"),
    "Thriller": ("{adj} Zero", "The {noun} Witness", "No Way out of {place}", "Before the {noun}"),
    "History": ("The {noun}: A History", "{place} and Its People", "A Century of the {noun}",
                "How the {noun} Changed Us"),
    "Biography": ("A Life by the {noun}", "The {adj} Years", "Leaving {place}", "Born to the {noun}"),
    "Travel": ("Slowly to {place}", "Walking the {noun}", "{adj} Roads", "{place} on Foot"),
    "Cooking": ("The {noun} Kitchen", "Suppers from {place}", "{adj} Plates", "Bread, Salt, {noun}"),
    "Gardening": ("The {adj} Garden", "Planting by the {noun}", "A Garden in {place}", "{noun} and Soil"),
    "Business": ("The {noun} Company", "{adj} by Design", "Lessons of {place}", "Managing the {noun}"),
    "Popular Science": ("Why the {noun} Matters", "The {adj} Universe", "Physics of the {noun}",
                        "Notes from {place}"),
    "Children": ("The {adj} Little {noun}", "Goodnight, {noun}", "Who Lives in {place}?",
                 "Mouse and the {noun}"),
    "Poetry": ("{noun}, {noun2}", "{adj} Light", "Poems for {place}", "To the {noun}"),
}  # fmt: skip

SERIES: dict[str, str] = {
    "Mystery": "Inspector {name} {part}: The {adj} {noun}",
    "Science Fiction": "The {place} Cycle {part}: {adj} {noun}",
    "Fantasy": "The {noun} Chronicles {part}: The {adj} {noun2}",
    "Romance": "The {name} Sisters {part}: A {adj} {noun}",
    "Thriller": "Agent {name} {part}: The {adj} {noun}",
    "History": "{place} Through the Ages {part}: The {noun}",
    "Travel": "The {name} Journals {part}: {adj} {noun}",
    "Cooking": "{name}'s Table {part}: {adj} {noun}",
    "Children": "{name} the Fox {part}: The {adj} {noun}",
    "Popular Science": "The Curious Shelf {part}: {adj} {noun}",
}

# Theme -> nouns, adjectives, places.
THEMES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "sea": (
        ("Tide", "Harbour", "Lighthouse", "Anchor", "Reef", "Ferry", "Gull", "Shipwreck", "Salt", "Net"),
        ("Drowned", "Salted", "Tidal", "Blue", "Becalmed", "Deep", "Windward", "Wet"),
        ("Port Ellery", "Skerry Bay", "Northsound", "Cape Marrow", "Saltholm", "Fairwater"),
    ),
    "mountain": (
        ("Ridge", "Glacier", "Pass", "Hut", "Avalanche", "Summit", "Stone", "Eagle", "Rope", "Valley"),
        ("Frozen", "High", "Steep", "White", "Echoing", "Granite", "Thin", "Northern"),
        ("Hochtal", "Upper Brenna", "Mount Iver", "Stonegarth", "Valdure", "Kestrel Pass"),
    ),
    "city": (
        ("Station", "Rooftop", "Tram", "Market", "Alley", "Bridge", "Neon", "Arcade", "Window", "Tower"),
        ("Midnight", "Electric", "Crowded", "Second", "Rented", "Silver", "Sleepless", "Paved"),
        ("Vesper Street", "Old Merrin", "Quarter Nine", "Brasshaven", "Lindholm", "Eastgate"),
    ),
    "forest": (
        ("Oak", "Clearing", "Wolf", "Bark", "Fern", "Owl", "Path", "Moss", "Thicket", "Root"),
        ("Green", "Whispering", "Wild", "Hollow", "Shaded", "Ancient", "Tangled", "Quiet"),
        ("Hallow Wood", "Fernmoor", "Birkenau Mill", "Thornley", "Greenmantle", "Elder Hollow"),
    ),
    "stars": (
        ("Comet", "Moon", "Signal", "Orbit", "Eclipse", "Telescope", "Dust", "Horizon", "Nova", "Night"),
        ("Distant", "Burning", "Lunar", "Dark", "Endless", "Radiant", "Cold", "Falling"),
        ("Station Kepler", "Tycho Ridge", "Far Lyra", "Observatory Hill", "New Altair", "Zenith"),
    ),
    "family": (
        ("Daughter", "House", "Letter", "Wedding", "Inheritance", "Table", "Cradle", "Secret", "Uncle",
         "Photograph"),
        ("Unspoken", "Youngest", "Broken", "Sunday", "Borrowed", "Gentle", "Last", "Faithful"),
        ("Marlow House", "Aunt Ida's Farm", "Willow Lane", "Number Twelve", "Ashcombe", "Home"),
    ),
    "court": (
        ("Throne", "Banner", "Siege", "Sword", "Treaty", "Crown", "Gate", "Herald", "Exile", "Garrison"),
        ("Royal", "Iron", "Fallen", "Gilded", "Forbidden", "Loyal", "Crimson", "Disputed"),
        ("Castle Arden", "Verrault", "The Red March", "Kingsferry", "Orsova", "Palatine"),
    ),
    "orchard": (
        ("Apple", "Hive", "Rose", "Harvest", "Cellar", "Barn", "Seed", "Honey", "Vineyard", "Rain"),
        ("Ripe", "Golden", "Early", "Sweet", "Autumn", "Slow", "Rustic", "Late"),
        ("Appledore", "Honeycombe", "Les Tilleuls", "Goodacre", "Plumstead Hill", "Winterbourne"),
    ),
}  # fmt: skip

NAMES = (
    "Hale", "Marsh", "Okafor", "Lindqvist", "Moreau", "Castellan", "Petrov", "Nakano", "Ferreira",
    "Quill", "Abara", "Winter", "Solberg", "Duarte", "Kessler", "Rahimi", "Tamsin", "Varga",
)  # fmt: skip
FIRST_NAMES = (
    "Ada", "Bruno", "Chidi", "Dana", "Emil", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kaya", "Leo",
    "Mara", "Nils", "Olga", "Pavel", "Rosa", "Samir", "Tilda", "Uma", "Viktor", "Wanda", "Yusuf", "Zoe",
)  # fmt: skip


def series_titles(
    *, category: str, theme: str, num_parts: int, rng: np.random.Generator
) -> Iterator[str]:
    """Yield the titles of one series, without end once `num_parts` distinct ones are used up."""
    nouns, adjectives, places = THEMES[theme]
    name, place, fixed = rng.choice(NAMES), rng.choice(places), rng.choice(nouns)
    order = rng.permutation(len(nouns))
    for part in range(1, num_parts + 1):
        noun = nouns[order[(part - 1) % len(nouns)]]
        yield _filled(
            SERIES[category],
            name=name,
            place=place,
            part=part,
            adj=rng.choice(adjectives),
            noun=fixed if "Chronicles" in SERIES[category] else noun,
            noun2=noun,
        )


def single_title(*, category: str, theme: str, rng: np.random.Generator) -> str:
    """Return one title; the same may come twice."""
    nouns, adjectives, places = THEMES[theme]
    noun, noun2 = rng.choice(nouns, 2, replace=False)
    pattern = rng.choice(PATTERNS[category])
    return str(
        pattern.format(noun=noun, noun2=noun2, adj=rng.choice(adjectives), place=rng.choice(places))
    )


def distinct(title: str, taken: set[str], words: Sequence[str]) -> str:
    """Return the title, told apart by a further word where it is taken, and remember it."""
    draft, number = title, 0
    while draft in taken:
        suffix = words[number % len(words)] + (
            f" {number // len(words) + 1}" if number >= len(words) else ""
        )
        draft, number = f"{title}: {suffix}", number + 1
    taken.add(draft)
    return draft


def _filled(pattern: str, **words: object) -> str:
    """Put words into a pattern; "A" becomes "An" where the next word asks for it."""
    return re.sub(r"\bA (?=[AEIOU])", "An ", pattern.format(**words))
