"""The map. An order goes through the house from left to right:

    intake -> planning -> storage (accepted) -> execution: factory, shelf -> storage (completed)

The files beside this one are the hall: what every room stands on. A room knows only the rooms before it:

    core        decides and never acts          intake      from a dropped file to an accepted order
    factories   one folder a provider           execution   from an item to its products
    shelf       picture files on this disk      daemon      the program at work
    storage     ledger and index                web, cli    two fronts
    planning    what an order means and costs
    reporting   what it looks like, as data     catalog     the models' files, no code
"""

__version__ = "0.1.0"
