"""`understudy timeline`: clips of an OTIO or FCPXML timeline are recast, for every editor that cannot be scripted.

Runs in our own environment, not in a host. It alone among the plugins may import opentimelineio and typer.
"""
