//! From the values of a pickle to named tensors.

use std::collections::BTreeMap;

use super::pickle::Pickle;
use super::value::{Id, MAX_NAME, Node, Tensor};

/// Most values that are looked at; values may be shared, so that a small file has many paths.
const MAX_VISITS: usize = 300_000;

/// Deepest nesting of modules.
const MAX_DEPTH: usize = 64;

/// Keys under which training scripts keep the weights in a checkpoint.
const WEIGHTS: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// The tensors of a state dict, or of the one in a checkpoint.
pub(super) fn of_state_dict(pickle: &Pickle) -> Result<BTreeMap<String, &Tensor>, String> {
    let Node::Dict(entries) = &pickle.nodes[pickle.root] else {
        return Err("it holds no dictionary: save the model's state_dict()".into());
    };
    let nested = WEIGHTS.iter().find_map(|key| {
        let entry = entries.iter().find(|(name, _)| is_text(pickle, *name, key))?;
        matches!(pickle.nodes[entry.1], Node::Dict(_)).then_some(entry.1)
    });
    collect(pickle, nested.unwrap_or(pickle.root))
}

/// The tensors of a scripted module: attributes of attributes.
pub(super) fn of_module(pickle: &Pickle) -> Result<BTreeMap<String, &Tensor>, String> {
    match &pickle.nodes[pickle.root] {
        Node::Object { .. } => collect(pickle, pickle.root),
        _ => Err("it holds no module".into()),
    }
}

fn collect(pickle: &Pickle, root: Id) -> Result<BTreeMap<String, &Tensor>, String> {
    let mut walk = Walk { pickle, found: BTreeMap::new(), visits: 0 };
    walk.visit(String::new(), root, 0)?;
    match walk.found.is_empty() {
        true => Err("it holds no tensors".into()),
        false => Ok(walk.found),
    }
}

fn is_text(pickle: &Pickle, id: Id, text: &str) -> bool {
    matches!(&pickle.nodes[id], Node::Text(found) if found == text)
}

struct Walk<'a> {
    pickle: &'a Pickle,
    found: BTreeMap<String, &'a Tensor>,
    visits: usize,
}

impl Walk<'_> {
    fn visit(&mut self, name: String, id: Id, depth: usize) -> Result<(), String> {
        self.visits += 1;
        if self.visits > MAX_VISITS || depth > MAX_DEPTH || name.len() > MAX_NAME {
            return Err(format!(
                "its modules nest too deeply, or their names are too long, at {name:.100}"
            ));
        }
        let nodes = &self.pickle.nodes;
        match &nodes[id] {
            Node::Tensor(tensor) => {
                self.found.insert(name, tensor);
            }
            Node::Object { state: Some(state) } => self.visit(name, *state, depth + 1)?,
            Node::Dict(entries) => {
                for (key, value) in entries {
                    let Node::Text(key) = &nodes[*key] else { continue };
                    let name = match name.is_empty() {
                        true => key.clone(),
                        false => format!("{name}.{key}"),
                    };
                    self.visit(name, *value, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
