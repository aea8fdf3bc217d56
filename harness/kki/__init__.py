"""kki: does a server, or a merchant's client, speak DOKU's SNAP "Kartu Kredit Indonesia" API correctly?"""

__version__ = "0.1.0"
