"""The application: the only place that composes the rooms, opens devices and reads clocks."""
