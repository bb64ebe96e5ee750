from desk.models.offer import Offer  # C: a module that is called like the model in it


def price(offer: Offer):
    return offer.good.price  # C
