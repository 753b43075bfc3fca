"""Thin plugins for Nuke, Blender and DaVinci Resolve: they export plates and mattes and import layers."""
