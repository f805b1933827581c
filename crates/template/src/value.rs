//! What templates compute with: the values of Go that can occur, each with Go's type, since `printf "%T"`, comparisons
//! and the arguments of functions depend on it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::{self, Debug, Formatter},
    rc::Rc,
};

use crate::{object::Object, text::Text};

/// The entries of a dictionary, shared by all that have it.
pub type Entries = Rc<RefCell<BTreeMap<Text, Value>>>;
/// The elements of a list, shared by all that have a part of it.
pub type Elements = Rc<RefCell<Vec<Value>>>;

/// A value. `Debug` shows its type only.
#[derive(Clone)]
pub enum Value {
    /// No value at all: what a missing key gives. It prints as `<no value>`.
    Missing,
    /// Go's `nil` in an `interface{}`.
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `int64`
    Int64(i64),
    /// `uint8`
    Uint8(u8),
    /// `uint32`
    Uint32(u32),
    /// `uint64`
    Uint64(u64),
    /// `float64`
    Float(f64),
    /// `complex128`
    Complex(f64, f64),
    /// `string`
    Text(Text),
    /// A slice.
    List(List),
    /// A map.
    Map(Map),
    /// A value with methods or fields: a time, a version.
    Object(Object),
}

/// What the elements of a list are to Go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `[]interface{}`
    Any,
    /// `[]string`
    Text,
    /// `[]int`
    Int,
    /// `[][]interface{}`
    List,
    /// `[]uint8`
    Byte,
}

/// What the values of a dictionary are to Go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `map[string]interface{}`
    Any,
    /// `map[string]string`
    Text,
}

/// A part of elements, as Go's slices are: parts of the same elements see each other's changes.
#[derive(Clone)]
pub struct List {
    /// What the elements are.
    pub element: Element,
    elements: Option<Elements>,
    from: usize,
    to: usize,
}

/// A dictionary, as Go's maps are: who has it sees all changes.
#[derive(Clone)]
pub struct Map {
    /// What the values are.
    pub entry: Entry,
    /// Nothing in Go's `nil` map.
    pub entries: Option<Entries>,
}

impl List {
    /// Go's `nil` slice.
    pub fn nil(element: Element) -> Self {
        Self {
            element,
            elements: None,
            from: 0,
            to: 0,
        }
    }

    /// All of these elements.
    pub fn of(element: Element, elements: Elements) -> Self {
        let to = elements.borrow().len();
        Self {
            element,
            elements: Some(elements),
            from: 0,
            to,
        }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.to - self.from
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is Go's `nil` slice.
    pub fn is_nil(&self) -> bool {
        self.elements.is_none()
    }

    /// An element.
    pub fn get(&self, index: usize) -> Option<Value> {
        if index >= self.len() {
            return None;
        }
        let elements = self.elements.as_ref()?.borrow();
        elements.get(self.from + index).cloned()
    }

    /// The elements, as they are now.
    pub fn to_vec(&self) -> Vec<Value> {
        self.elements.as_ref().map_or_else(Vec::new, |elements| {
            elements.borrow()[self.from..self.to].to_vec()
        })
    }

    /// A part, which may reach to the end of the elements behind this one, as in Go. Nothing if it reaches further.
    pub fn slice(&self, from: usize, to: usize) -> Option<Self> {
        let capacity = self
            .elements
            .as_ref()
            .map_or(0, |elements| elements.borrow().len() - self.from);
        (from <= to && to <= capacity).then(|| Self {
            from: self.from + from,
            to: self.from + to,
            ..self.clone()
        })
    }

    /// Puts the elements in another order, for all that see them.
    pub fn sort_by_key<K: Ord>(&self, key: impl FnMut(&Value) -> K) {
        if let Some(elements) = &self.elements {
            elements.borrow_mut()[self.from..self.to].sort_by_cached_key(key);
        }
    }

    /// Whether both are the same part of the same elements.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = match (&self.elements, &other.elements) {
            (Some(ours), Some(theirs)) => Rc::ptr_eq(ours, theirs),
            (None, None) => true,
            _ => false,
        };
        same && (self.from, self.to) == (other.from, other.to)
    }
}

impl Map {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries
            .as_ref()
            .map_or(0, |entries| entries.borrow().len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.entries.as_ref()?.borrow().get(key).cloned()
    }

    /// The entries as they are now, in the order of their keys.
    pub fn to_vec(&self) -> Vec<(Text, Value)> {
        self.entries.as_ref().map_or_else(Vec::new, |entries| {
            let entries = entries.borrow();
            let pairs = entries
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()));
            pairs.collect()
        })
    }

    /// Whether both are the same dictionary, not only equal ones.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.entries, &other.entries) {
            (Some(ours), Some(theirs)) => Rc::ptr_eq(ours, theirs),
            (None, None) => true,
            _ => false,
        }
    }
}

/// Go's kinds, by which values are compared and judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No value, or `nil`.
    Invalid,
    /// A truth value.
    Bool,
    /// `int`
    Int,
    /// `int64`, and types made of it.
    Int64,
    /// `uint8`
    Uint8,
    /// `uint32`
    Uint32,
    /// `uint64`
    Uint64,
    /// `float64`
    Float64,
    /// `complex128`
    Complex128,
    /// A text.
    String,
    /// A list.
    Slice,
    /// A dictionary.
    Map,
    /// A value with fields.
    Struct,
    /// A pointer to one.
    Pointer,
}

impl Kind {
    /// Go's name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Struct => "struct",
            Self::Pointer => "ptr",
        }
    }
}

impl Value {
    /// Go's name of the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Uint8(_) => "uint8",
            Self::Uint32(_) => "uint32",
            Self::Uint64(_) => "uint64",
            Self::Float(_) => "float64",
            Self::Complex(..) => "complex128",
            Self::Text(_) => "string",
            Self::List(list) => match list.element {
                Element::Any => "[]interface {}",
                Element::Text => "[]string",
                Element::Int => "[]int",
                Element::List => "[][]interface {}",
                Element::Byte => "[]uint8",
            },
            Self::Map(map) => match map.entry {
                Entry::Any => "map[string]interface {}",
                Entry::Text => "map[string]string",
            },
            Self::Object(object) => object.type_name(),
        }
    }

    /// Go's kind of the type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Missing | Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int64(_) => Kind::Int64,
            Self::Uint8(_) => Kind::Uint8,
            Self::Uint32(_) => Kind::Uint32,
            Self::Uint64(_) => Kind::Uint64,
            Self::Float(_) => Kind::Float64,
            Self::Complex(..) => Kind::Complex128,
            Self::Text(_) => Kind::String,
            Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Object(object) => object.kind(),
        }
    }

    /// Whether there is nothing: no value, or `nil`.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Missing | Self::Nil)
    }

    /// Go's truth: what is not the zero value of its type, and not empty.
    pub fn truth(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => false,
            Self::Bool(truth) => *truth,
            Self::Int(number) | Self::Int64(number) => *number != 0,
            Self::Uint8(number) => *number != 0,
            Self::Uint32(number) => *number != 0,
            Self::Uint64(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => object.number().is_none_or(|number| number != 0),
        }
    }

    /// The number of a signed integer of any type.
    pub fn signed(&self) -> Option<i64> {
        match self {
            Self::Int(number) | Self::Int64(number) => Some(*number),
            Self::Object(object) => object.number(),
            _ => None,
        }
    }

    /// The number of an unsigned integer of any type.
    pub fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Uint8(number) => Some(u64::from(*number)),
            Self::Uint32(number) => Some(u64::from(*number)),
            Self::Uint64(number) => Some(*number),
            _ => None,
        }
    }
}

impl Debug for Value {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "Value({})", self.type_name())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}
