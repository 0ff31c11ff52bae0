"""The three forms in which MovieLens comes; a rating is an event of kind "rating" with a value."""

from __future__ import annotations

from pathlib import Path

from interests.datasets.layout import Layout, Table, find

RATING_COLUMNS = ("user_id", "item_id", "value", "occurred_at")
ITEM_COLUMNS = ("item_id", "title", "categories")
USER_COLUMNS = ("user_id", "gender", "age", "occupation", "zip_code")
USER_COLUMNS_100K = ("user_id", "age", "gender", "occupation", "zip_code")
# In the order of u.item's last columns, from the README of MovieLens 100K, where the first is "unknown".
GENRES_100K = (
    "(no genres listed)", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller",
    "War", "Western",
)  # fmt: skip


def recognise_csv(folder: Path) -> Layout | None:
    """Return the layout of ratings.csv with movies.csv (20M, 25M, latest), or None."""
    ratings, movies = find(folder, "ratings.csv"), find(folder, "movies.csv")
    if ratings is None:
        return None
    renames = {"userId": "user_id", "movieId": "item_id", "rating": "value"}
    return Layout(
        format="movielens csv",
        events=Table(
            ratings, required=RATING_COLUMNS, renames=renames | {"timestamp": "occurred_at"}
        ),
        items=Table(
            movies,
            required=ITEM_COLUMNS,
            renames={"movieId": "item_id", "genres": "categories"},
        )
        if movies
        else None,
        kind="rating",
        is_epoch=True,
    )


def recognise_dat(folder: Path) -> Layout | None:
    """Return the layout of ratings.dat with movies.dat (1M, 10M), or None."""
    ratings, movies = find(folder, "ratings.dat"), find(folder, "movies.dat")
    users = find(folder, "users.dat")
    if ratings is None:
        return None
    return Layout(
        format="movielens dat",
        events=Table(ratings, "::", RATING_COLUMNS, RATING_COLUMNS, encoding="latin-1"),
        items=Table(movies, "::", ITEM_COLUMNS, ITEM_COLUMNS, encoding="latin-1")
        if movies
        else None,
        users=_users(users, "::", USER_COLUMNS),
        kind="rating",
        is_epoch=True,
    )


def recognise_100k(folder: Path) -> Layout | None:
    """Return the layout of u.data with u.item (100K), or None."""
    ratings, movies = find(folder, "u.data"), find(folder, "u.item")
    users = find(folder, "u.user")
    if ratings is None:
        return None
    columns = ("item_id", "title", "released_on", "video_released_on", "imdb_url")
    return Layout(
        format="movielens 100k",
        events=Table(ratings, "\t", RATING_COLUMNS, RATING_COLUMNS, encoding="latin-1"),
        items=Table(movies, "|", ("item_id",), columns, encoding="latin-1", flags=GENRES_100K)
        if movies
        else None,
        users=_users(users, "|", USER_COLUMNS_100K),
        kind="rating",
        is_epoch=True,
    )


def _users(path: Path | None, delimiter: str, columns: tuple[str, ...]) -> Table | None:
    if path is None:
        return None
    return Table(
        path, delimiter, ("user_id",), columns, encoding="latin-1", unkept=("zip_code",)
    )  # fmt: skip
