"""Assets by stage of the flow: landing, transform, link, release; and what runs them by itself: automation."""
