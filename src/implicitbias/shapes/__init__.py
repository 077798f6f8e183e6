"""Array shapes in signatures: what the dimensions are called, and the types that many functions share.

A signature says what kind of numbers an array holds and which dimensions it has, as `Float[Tensor, "member batch d"]`
does (jaxtyping). Within one call, dimensions of one name have one length. Nothing of it is looked at while the package
runs; the tests run it with every call checked. One dimension alone is written with a space before it, `" member"`, by
which linters tell it from a name.

The dimensions, here as everywhere:

- `member`: networks of an ensemble, or other things that are computed side by side and never mix;
- `task`: the parts of a task, one a seed; `n`: its training points; `m`: test points, or points to look at;
- `batch`: points that go through a network together;
- `d`: numbers of an input, or of any other vector;
- `out in`: rows and columns of a weight matrix, a column of biases included; `layer`: the weight matrices;
- `channels rows columns`: of an image;
- `classes`: as `*classes`, nothing for labels of +-1, and else one dimension, the outputs of the classes;
- `k`: of things that are looked at together, one by one: candidates, networks, directions; `step`: checkpoints;
- `lead`: as `*lead`, the dimensions of a run's networks, whatever they are; as `*#lead` they are broadcast: each is of
  the one length or of length 1; `shape`: as `*shape`, any.

A name after an underscore is for the reader and compared with nothing: layers have an `_out` and an `_in` each.
"""
