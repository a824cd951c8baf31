//! What a pickle builds, in an arena: links are indices, so that a cycle leaks nothing.

/// Longest name of a class, a storage or a parameter. Names are copied, so that long ones would
/// let a short file take much memory.
pub(super) const MAX_NAME: usize = 512;

/// Index of a node.
pub(super) type Id = usize;

/// A value of a pickle.
#[derive(Clone, Debug)]
pub(super) enum Node {
    None,
    Bool,
    Int(i64),
    /// An integer of more than 64 bits, or a float: nothing here needs its value.
    Number,
    Text(String),
    /// Bytes: nothing here needs their value.
    Bytes,
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function that is named and never called.
    Global(String),
    /// An object of one of TorchScript's own classes, with its attributes once they are known.
    Object {
        state: Option<Id>,
    },
    Storage(Storage),
    Tensor(Tensor),
    /// The result of a permitted call that holds no weights.
    Opaque,
}

/// A typed block of numbers that tensors look into.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    /// Class, such as `torch.HalfStorage`.
    pub class: String,
    /// Name of its record.
    pub key: String,
    /// Number of elements.
    pub len: usize,
}

/// A view of a storage.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub storage: Storage,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
    /// The dtype where the storage has none of its own.
    pub dtype: Option<String>,
}
