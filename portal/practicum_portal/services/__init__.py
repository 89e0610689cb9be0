"""Services: what the API and the pages both do, with the rights of the person who asks."""
