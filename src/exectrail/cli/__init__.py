"""The commands that read: runs, tree, show, cost, sql; and prices, which also keeps some.

Enters: the command line, and typed rows that `queries` asks for and `storage` fetches. Leaves: text
for people (`render`, pure functions of rows), or one JSON document for programs, and an exit code:
0 done, 1 a problem (told on stderr), 2 a wrong call.
May import: queries, costing, storage, pricing, conventions, config, and rich. No SQL stands here.
"""
