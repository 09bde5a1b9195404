def gradcheck(*a, **k): raise NotImplementedError("gradcheck")
def gradgradcheck(*a, **k): raise NotImplementedError("gradgradcheck")
