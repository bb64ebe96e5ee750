def close(supplier):
    supplier.delete()
