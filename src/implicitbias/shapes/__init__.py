"""Array shapes in signatures: what the dimensions are called, and the types that many functions share.

A signature says what kind of numbers an array holds and which dimensions it has, as `Float[Tensor, "member batch d"]`
does (jaxtyping). Within one call, dimensions of one name have one length. Nothing of it is looked at while the package
runs; the tests run it with every call checked. One dimension alone is written with a space before it, `" member"`, by
which linters tell it from a name.

The dimensions, here as everywhere:

- `member`: networks of an ensemble, which are computed side by side and never mix;
- `task`: the parts of a task, one a seed; `n`: its training points; `m`: test points, or others to look at;
- `batch`: points that go through a network together; `pairs`: pairs of points;
- `d`: numbers of an input, or of any other vector;
- `out in`: rows and columns of a weight matrix, a column of biases included; `layer`: the weight matrices;
- `rows columns channels`: of an image;
- `class`: outputs of a network, one a class; as `*classes` none for labels of +-1;
- `k`: what is looked at together, one by one: distinct points, networks that fit, problems of a stack;
- `samples`: draws of a function, as columns; `scale`: label scales; `group`: independent groups of samples;
- `condition`: inequalities of a labelling; `other`: points of other classes;
- `lead`: as `*lead`, the dimensions of a run's networks, whatever they are; as `*#lead` they are broadcast, so that
  each is of the one length or of length 1;
- `shape`: as `*shape`, any, of functions that work number by number.

Names that one function alone has say what they are, such as `frequency`. A name after an underscore is for the reader
and compared with nothing: layers have an `_out` and an `_in` each.
"""
