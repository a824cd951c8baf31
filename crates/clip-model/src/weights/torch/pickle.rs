//! A reader of the pickles that PyTorch writes. It builds values and executes nothing.
//!
//! Python's unpickler calls whatever a file names. This one knows the handful of functions that
//! weights are made of, and refuses a file that asks for another.

use std::collections::HashMap;

use super::calls::{self, Outcome};
use super::value::{Id, MAX_NAME, Node};

/// Most values that a pickle may build; a checkpoint with optimizer state has some 100,000.
const MAX_NODES: usize = 300_000;

/// Deepest stack of open marks.
const MAX_MARKS: usize = 1024;

/// A pickle's values and which of them is the whole.
pub(super) struct Pickle {
    pub nodes: Vec<Node>,
    pub root: Id,
    /// Bytes that the pickle took.
    pub len: usize,
}

/// Reads one pickle from the start of `bytes`.
pub(super) fn unpickle(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine {
        bytes,
        position: 0,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let root = machine.run().map_err(|why| format!("byte {}: {why}", machine.position))?;
    Ok(Pickle { nodes: machine.nodes, root, len: machine.position })
}

pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    position: usize,
    pub(super) nodes: Vec<Node>,
    stack: Vec<Id>,
    /// Heights of the stack where lists of arguments begin.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id, String> {
        loop {
            let opcode = self.byte()?;
            if opcode == b'.' {
                return self.pop();
            }
            self.step(opcode)?;
        }
    }

    fn step(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            0x80 => self.skip(1), // PROTO
            0x95 => self.skip(8), // FRAME
            b'(' => self.mark(),
            b'0' => self.pop().map(drop),
            b'1' => self.pop_mark().map(drop),
            b'2' => self.top().and_then(|id| self.push_id(id)),
            b'N' => self.push(Node::None),
            0x88 | 0x89 => self.push(Node::Bool),
            b'K' | b'M' | b'J' | 0x8a | 0x8b | b'G' => self.number(opcode),
            0x8c | b'X' | 0x8d => self.text(opcode),
            b'C' | b'B' | 0x8e | b'U' | b'T' => self.raw(opcode),
            b']' => self.push(Node::List(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            b')' => self.push(Node::Tuple(Vec::new())),
            0x8f => self.push(Node::List(Vec::new())), // EMPTY_SET
            b'a' => self.append(),
            b'e' | 0x90 => self.appends(), // APPENDS, ADDITEMS
            b's' => self.set_item(),
            b'u' => self.set_items(),
            b'l' | 0x91 => self.collect(Node::List), // LIST, FROZENSET
            b't' => self.collect(Node::Tuple),
            b'd' => self.dict(),
            0x85 => self.tuple(1),
            0x86 => self.tuple(2),
            0x87 => self.tuple(3),
            b'q' | b'r' | 0x94 => self.memoize(opcode),
            b'h' | b'j' => self.recall(opcode),
            b'c' => self.global(),
            0x93 => self.stack_global(),
            b'Q' => self.persistent(),
            b'R' => self.reduce(),
            0x81 => self.new_object(),
            b'b' => self.build(),
            other => Err(format!("opcode {other:#04x} is none that PyTorch writes")),
        }
    }

    // Input.

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let end = self.position.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end =
            end.ok_or_else(|| format!("the pickle ends, {count} more bytes were expected"))?;
        let taken = &self.bytes[self.position..end];
        self.position = end;
        Ok(taken)
    }

    fn skip(&mut self, count: usize) -> Result<(), String> {
        self.take(count).map(drop)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of `size` bytes.
    fn unsigned(&mut self, size: usize) -> Result<u64, String> {
        Ok(self.take(size)?.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn length(&mut self, size: usize) -> Result<usize, String> {
        usize::try_from(self.unsigned(size)?).map_err(|_| "a length overflows".into())
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.position..];
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or("a line has no end")?;
        let line = text_of(self.take(length)?)?;
        self.skip(1)?;
        Ok(line)
    }

    // Stack.

    pub(super) fn node(&mut self, node: Node) -> Result<Id, String> {
        if self.nodes.len() >= MAX_NODES {
            return Err(format!("it builds more than {MAX_NODES} values"));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    fn push(&mut self, node: Node) -> Result<(), String> {
        let id = self.node(node)?;
        self.push_id(id)
    }

    /// Pushes a value that is there: duplicates and recalls do without a new node.
    fn push_id(&mut self, id: Id) -> Result<(), String> {
        if self.stack.len() >= MAX_NODES {
            return Err(format!("its stack has more than {MAX_NODES} values"));
        }
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len() > floor {
            true => self.stack.pop().ok_or_else(|| "the stack is empty".into()),
            false => Err("the stack is empty".into()),
        }
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().ok_or_else(|| "the stack is empty".into())
    }

    fn mark(&mut self) -> Result<(), String> {
        if self.marks.len() >= MAX_MARKS {
            return Err(format!("it nests deeper than {MAX_MARKS}"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, String> {
        let height = self.marks.pop().ok_or("a mark is missing")?;
        Ok(self.stack.split_off(height.min(self.stack.len())))
    }

    fn memoize(&mut self, opcode: u8) -> Result<(), String> {
        let slot = match opcode {
            b'q' => self.unsigned(1)? as u32,
            b'r' => self.unsigned(4)? as u32,
            _ => self.memo.len() as u32,
        };
        let id = self.top()?;
        self.memo.insert(slot, id);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Result<(), String> {
        let slot = self.unsigned(if opcode == b'h' { 1 } else { 4 })? as u32;
        let id = *self.memo.get(&slot).ok_or_else(|| format!("memo {slot} is empty"))?;
        self.push_id(id)
    }

    // Values.

    fn number(&mut self, opcode: u8) -> Result<(), String> {
        let node = match opcode {
            b'K' => Node::Int(self.unsigned(1)? as i64),
            b'M' => Node::Int(self.unsigned(2)? as i64),
            b'J' => Node::Int(i64::from(self.unsigned(4)? as u32 as i32)),
            b'G' => {
                self.skip(8)?;
                Node::Number
            }
            _ => {
                let size = self.length(if opcode == 0x8a { 1 } else { 4 })?;
                long(self.take(size)?)
            }
        };
        self.push(node)
    }

    fn text(&mut self, opcode: u8) -> Result<(), String> {
        let size = match opcode {
            0x8c => self.length(1)?,
            b'X' => self.length(4)?,
            _ => self.length(8)?,
        };
        let text = text_of(self.take(size)?)?;
        self.push(Node::Text(text))
    }

    fn raw(&mut self, opcode: u8) -> Result<(), String> {
        let size = match opcode {
            b'C' | b'U' => self.length(1)?,
            b'B' | b'T' => self.length(4)?,
            _ => self.length(8)?,
        };
        // Python 2's strings are bytes; PyTorch names nothing by other than ASCII.
        let node = match text_of(self.take(size)?) {
            Ok(text) if matches!(opcode, b'U' | b'T') => Node::Text(text),
            _ => Node::Bytes,
        };
        self.push(node)
    }

    fn collect(&mut self, make: impl Fn(Vec<Id>) -> Node) -> Result<(), String> {
        let items = self.pop_mark()?;
        self.push(make(items))
    }

    fn tuple(&mut self, count: usize) -> Result<(), String> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        self.push(Node::Tuple(items))
    }

    fn dict(&mut self) -> Result<(), String> {
        let pairs = pairs(self.pop_mark()?)?;
        self.push(Node::Dict(pairs))
    }

    fn append(&mut self) -> Result<(), String> {
        let item = self.pop()?;
        self.extend_list(vec![item])
    }

    fn appends(&mut self) -> Result<(), String> {
        let items = self.pop_mark()?;
        self.extend_list(items)
    }

    fn extend_list(&mut self, new: Vec<Id>) -> Result<(), String> {
        let top = self.top()?;
        match &mut self.nodes[top] {
            Node::List(items) => items.extend(new),
            Node::Opaque => {}
            _ => return Err("items are added to what is no list".into()),
        }
        Ok(())
    }

    fn set_item(&mut self) -> Result<(), String> {
        let (value, key) = (self.pop()?, self.pop()?);
        self.extend_dict(vec![(key, value)])
    }

    fn set_items(&mut self) -> Result<(), String> {
        let new = pairs(self.pop_mark()?)?;
        self.extend_dict(new)
    }

    fn extend_dict(&mut self, new: Vec<(Id, Id)>) -> Result<(), String> {
        let top = self.top()?;
        match &mut self.nodes[top] {
            Node::Dict(pairs) => pairs.extend(new),
            Node::Opaque => {}
            _ => return Err("entries are added to what is no dictionary".into()),
        }
        Ok(())
    }

    // Names and what is done with them.

    fn global(&mut self) -> Result<(), String> {
        let (module, name) = (self.line()?, self.line()?);
        self.push_global(&module, &name)
    }

    fn push_global(&mut self, module: &str, name: &str) -> Result<(), String> {
        if module.len() + name.len() > MAX_NAME {
            return Err(format!("a class has a name of more than {MAX_NAME} bytes"));
        }
        self.push(Node::Global(format!("{module}.{name}")))
    }

    fn stack_global(&mut self) -> Result<(), String> {
        let (name, module) = (self.pop()?, self.pop()?);
        match (&self.nodes[module], &self.nodes[name]) {
            (Node::Text(module), Node::Text(name)) => {
                let (module, name) = (module.clone(), name.clone());
                self.push_global(&module, &name)
            }
            _ => Err("a name is no text".into()),
        }
    }

    fn persistent(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let storage = calls::storage(&self.nodes, id)?;
        self.push(Node::Storage(storage))
    }

    fn reduce(&mut self) -> Result<(), String> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        match calls::call(&self.nodes, callee, arguments)? {
            Outcome::New(node) => self.push(node),
            Outcome::Same(id) => self.push_id(id),
        }
    }

    fn new_object(&mut self) -> Result<(), String> {
        let (_, class) = (self.pop()?, self.pop()?);
        match &self.nodes[class] {
            Node::Global(name) if name.starts_with("__torch__.") => {
                self.push(Node::Object { state: None })
            }
            Node::Global(name) => Err(calls::refused(name)),
            _ => Err("a class is no name".into()),
        }
    }

    fn build(&mut self) -> Result<(), String> {
        let new = self.pop()?;
        let top = self.top()?;
        match &mut self.nodes[top] {
            Node::Object { state } => *state = Some(new),
            // A dictionary's attributes, such as the versions in a state dict's `_metadata`.
            Node::Dict(_) | Node::Opaque => {}
            _ => return Err("attributes are given to what has none".into()),
        }
        Ok(())
    }
}

fn text_of(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "a text is not UTF-8".into())
}

fn pairs(items: Vec<Id>) -> Result<Vec<(Id, Id)>, String> {
    match items.as_chunks::<2>() {
        (pairs, []) => Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect()),
        _ => Err("a key has no value".into()),
    }
}

/// A two's-complement little-endian integer.
fn long(bytes: &[u8]) -> Node {
    if bytes.len() > 8 {
        return Node::Number;
    }
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let start = if negative { -1 } else { 0 };
    Node::Int(bytes.iter().rev().fold(start, |sum: i64, byte| sum << 8 | i64::from(*byte)))
}
