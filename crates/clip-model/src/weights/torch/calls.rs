//! The functions that weights are made of, and what they make.

use super::value::{Id, MAX_NAME, Node, Storage, Tensor};

/// What a refused name means to whoever opened the file.
pub(super) fn refused(name: &str) -> String {
    format!(
        "it asks Python to use `{name}`, which no weights need; nothing was executed. If you \
         trust the file, load it in PyTorch and save its state dict alone"
    )
}

/// What a call gives.
pub(super) enum Outcome {
    New(Node),
    /// A value that is there already. It isn't copied: a short file could ask for that often.
    Same(Id),
}

/// The result of a call, for the few functions that are known.
pub(super) fn call(nodes: &[Node], callee: Id, arguments: Id) -> Result<Outcome, String> {
    let Node::Global(name) = &nodes[callee] else { return Err("a function is no name".into()) };
    let Node::Tuple(arguments) = &nodes[arguments] else {
        return Err(format!("the arguments of {name} are no tuple"));
    };
    match name.as_str() {
        "torch._utils._rebuild_tensor"
        | "torch._utils._rebuild_tensor_v2"
        | "torch._utils._rebuild_tensor_v3" => {
            tensor(nodes, arguments).map(|tensor| Outcome::New(Node::Tensor(tensor)))
        }
        "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
            first(arguments, name)
        }
        "collections.OrderedDict" | "collections.defaultdict" | "builtins.dict" => {
            match arguments.is_empty() || name.ends_with("defaultdict") {
                true => Ok(Outcome::New(Node::Dict(Vec::new()))),
                false => Err(format!("{name} is called with entries, which PyTorch never does")),
            }
        }
        "torch.jit._pickle.build_intlist"
        | "torch.jit._pickle.build_boollist"
        | "torch.jit._pickle.build_doublelist"
        | "torch.jit._pickle.build_tensorlist"
        | "torch.jit._pickle.restore_type_tag" => first(arguments, name),
        "torch.Size"
        | "torch.device"
        | "torch.jit._pickle.build_tensor_from_id"
        | "collections.Counter"
        | "builtins.set"
        | "builtins.list"
        | "__builtin__.set"
        | "__builtin__.list"
        | "_codecs.encode"
        | "numpy.dtype"
        | "numpy.core.multiarray.scalar"
        | "numpy._core.multiarray.scalar" => Ok(Outcome::New(Node::Opaque)),
        _ => Err(refused(name)),
    }
}

/// What wraps its first argument is that argument to us.
fn first(arguments: &[Id], name: &str) -> Result<Outcome, String> {
    let argument = arguments.first().ok_or_else(|| format!("{name} has no argument"))?;
    Ok(Outcome::Same(*argument))
}

/// `(storage, offset, shape, strides, ...)`; version 3 has the dtype as its seventh argument.
fn tensor(nodes: &[Node], arguments: &[Id]) -> Result<Tensor, String> {
    let [storage, offset, shape, strides, rest @ ..] = arguments else {
        return Err("a tensor has too few arguments".into());
    };
    let Node::Storage(storage) = &nodes[*storage] else {
        return Err("a tensor's storage is none".into());
    };
    let (shape, strides) = (integers(nodes, *shape)?, integers(nodes, *strides)?);
    if shape.len() != strides.len() || shape.len() > 8 {
        return Err(format!("a tensor has shape {shape:?} and strides {strides:?}"));
    }
    let dtype = rest.iter().find_map(|id| match &nodes[*id] {
        Node::Global(name) => Some(name.clone()),
        _ => None,
    });
    let offset = integer(nodes, *offset)?;
    Ok(Tensor { storage: storage.clone(), offset, shape, strides, dtype })
}

fn integers(nodes: &[Node], id: Id) -> Result<Vec<usize>, String> {
    match &nodes[id] {
        Node::Tuple(items) | Node::List(items) => {
            items.iter().map(|id| integer(nodes, *id)).collect()
        }
        _ => Err("a shape is no list".into()),
    }
}

fn integer(nodes: &[Node], id: Id) -> Result<usize, String> {
    match &nodes[id] {
        Node::Int(value) => usize::try_from(*value).map_err(|_| format!("a size is {value}")),
        _ => Err("a size is no integer".into()),
    }
}

/// `('storage', class, key, location, len)`, and a view's metadata in the older format.
pub(super) fn storage(nodes: &[Node], id: Id) -> Result<Storage, String> {
    let malformed = || "a storage is not described as PyTorch does".to_string();
    let Node::Tuple(parts) = &nodes[id] else { return Err(malformed()) };
    let [kind, class, key, _, len, ..] = &parts[..] else { return Err(malformed()) };
    match (&nodes[*kind], &nodes[*class], &nodes[*key]) {
        (Node::Text(kind), Node::Global(class), Node::Text(key))
            if kind == "storage" && key.len() <= MAX_NAME =>
        {
            let len = integer(nodes, *len)?;
            Ok(Storage { class: class.clone(), key: key.clone(), len })
        }
        _ => Err(malformed()),
    }
}
