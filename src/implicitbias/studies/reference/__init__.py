"""Tables of reference values by subject; `implicitbias.catalogue.PUBLISHED` names them."""
