class ByPhone:
    pass
