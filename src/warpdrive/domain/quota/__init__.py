"""The Quota aggregate: how many bytes a team may hold in a backend, and what crossing its limits means."""
