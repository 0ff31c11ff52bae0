"""A typed client of Recsite's API, with nothing but the standard library.

from recsite_client import Client

client = Client("https://recsite.example", "rs_...")
client.record_events({"events": [{"event_id": "e-1", "user_id": "ada", "item_id": "book", "kind": "view"}]})
print(client.recommendations("ada", n=5)["items"])
"""

from recsite_client.client import Client
from recsite_client.transport import Problem

__all__ = ["Client", "Problem"]
