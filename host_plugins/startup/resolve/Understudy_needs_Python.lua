-- Lua scripts are always listed in this menu. Where this entry stands without "Understudy" beside it, Resolve runs no
-- Python scripts: it found no Python 3 of 64 bits, or this is the free edition from version 21.1 on.
print("Is 'Understudy' not in this menu? Then Resolve runs no Python scripts. Install Python 3.10 to 3.13 (64 bits) and")
print("start Resolve again. The free edition runs none from version 21.1 on: there, `understudy timeline` does the same.")
