"""Which construction error made a wrong signature or wrong card data: a pure search over named wrong constructions."""
