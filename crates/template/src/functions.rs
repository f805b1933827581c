//! The functions that templates can call: Go's own and sprig's.
//!
//! # How to add one
//!
//! A function is a row in the table `FUNCTIONS` of the file of its group in this folder, with its name, the parameters
//! that it has in Go, and what it does:
//!
//! ```text
//! Function::new("repeat", &[Parameter::Int, Parameter::Text], repeat),
//! Function::new("list", &[Parameter::Any], list).variadic(),
//! Function::new("uuidv4", &[], uuidv4).needs(Why::Random),
//! Function::off("bcrypt", &[Parameter::Text], Why::Costly),
//! ```
//!
//! The last parameter of a variadic function is the type of each further argument. The evaluator has checked number and
//! types of the arguments, as Go does, before `run` is called; [`Arguments`] hands them out in their order. What a
//! function makes goes through [`Scope`], which counts it: texts by [`Scope::text`], lists by [`Scope::list`],
//! dictionaries by [`Scope::map`]. One quick pass over its arguments is counted before `run` is called, unless the function is
//! [`by_reference`](Function::by_reference); what takes longer than that, or looks at what lists contain, goes through
//! [`Scope::steps`]: a step should be about a tenth of a microsecond. It never allocates what it has not counted before. Where Go's function panics or returns an error it gives [`Fault::Refused`];
//! what was wrong is not said, since Go's words hold values.
//!
//! A new group is a file with a `FUNCTIONS`, and a line in [`GROUPS`]. A value of a new type is a variant of
//! [`Object`](crate::object::Object). Then the cases in `tests/tests/template/` are extended: at least three for each
//! function, which are rendered by Go too.

mod builtins;
mod convert;
mod crypto;
mod date;
mod decimal;
mod dict;
mod encoding;
mod flow;
mod json;
mod keys;
mod list;
mod math;
mod path;
mod random;
mod reflect;
mod regex;
mod semver;
mod strings;
mod url;
mod words;

use std::{collections::BTreeMap, fmt, rc::Rc, sync::LazyLock};

use jiff::Timestamp;

use crate::{
    Random,
    error::{Fault, Problem},
    heap::Heap,
    limits::Meter,
    object::{Object, version::Version},
    text::Text,
    time::Time,
    value::{Element, Entry, Map, Value},
};

/// The tables of all groups.
const GROUPS: &[&[Function]] = &[
    builtins::FUNCTIONS,
    crypto::FUNCTIONS,
    date::FUNCTIONS,
    decimal::FUNCTIONS,
    dict::FUNCTIONS,
    encoding::FUNCTIONS,
    flow::FUNCTIONS,
    json::FUNCTIONS,
    keys::FUNCTIONS,
    list::FUNCTIONS,
    math::FUNCTIONS,
    path::FUNCTIONS,
    random::FUNCTIONS,
    reflect::FUNCTIONS,
    regex::FUNCTIONS,
    semver::FUNCTIONS,
    strings::FUNCTIONS,
    url::FUNCTIONS,
    words::FUNCTIONS,
];

/// Functions of sprig that are not there, as they are not upstream: they read the environment or the network.
pub const LEFT_OUT: &[&str] = &["env", "expandenv", "getHostByName"];

/// A function or a method.
pub struct Function {
    /// Its name in templates.
    pub name: &'static str,
    /// The types of its parameters.
    pub parameters: &'static [Parameter],
    /// Whether the last parameter may come any number of times.
    pub variadic: bool,
    /// Whether it may be used.
    pub status: Status,
    /// Whether it takes values as they are, and never goes through all of a list, a dictionary or a text.
    pub(crate) by_reference: bool,
    pub(crate) run: Run,
}

/// What a function does.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    Plain(fn(&mut Scope<'_>, Arguments) -> Result<Value, Fault>),
    /// Nothing: it cannot be allowed.
    Nothing,
    /// `and` and `or` do not evaluate what does not matter: they stop at the first argument whose truth is this.
    UpTo(bool),
}

/// Whether a function is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It gives what it gives in Go.
    Same,
    /// It has to be allowed.
    Off(Why),
}

/// Why a function has to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It gives something else each time.
    Random,
    /// It reads the clock.
    Clock,
    /// It makes keys or certificates.
    Keys,
    /// It takes much time on purpose.
    Costly,
}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Random => "it is random",
            Self::Clock => "it reads the clock",
            Self::Keys => "it makes keys",
            Self::Costly => "it is costly",
        })
    }
}

/// The type of a parameter, in Go's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `interface{}`: everything; no value becomes `nil`.
    Any,
    /// `reflect.Value`: everything as it is. For the functions of Go itself.
    Value,
    /// `string`
    Text,
    /// `int`
    Int,
    /// `float64`
    Float,
    /// `bool`
    Bool,
    /// `uint32`
    Uint32,
    /// `map[string]interface{}`
    Map,
    /// `[]interface{}`
    List,
    /// `*semver.Version`
    Version,
    /// `time.Time`
    Time,
    /// `time.Duration`
    Duration,
    /// `*time.Location`
    Location,
    /// `sprig.certificate`
    Certificate,
}

impl Function {
    /// A function that may be used.
    pub(crate) const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        run: fn(&mut Scope<'_>, Arguments) -> Result<Value, Fault>,
    ) -> Self {
        Self {
            name,
            parameters,
            variadic: false,
            status: Status::Same,
            by_reference: false,
            run: Run::Plain(run),
        }
    }

    /// The same, its last parameter any number of times.
    pub(crate) const fn variadic(self) -> Self {
        Self {
            variadic: true,
            ..self
        }
    }

    /// The same, taking values as they are: what it costs does not depend on how large they are.
    pub(crate) const fn by_reference(self) -> Self {
        Self {
            by_reference: true,
            ..self
        }
    }

    /// The same, to be allowed first.
    pub(crate) const fn needs(self, why: Why) -> Self {
        Self {
            status: Status::Off(why),
            ..self
        }
    }

    /// A function that is off, and does nothing.
    pub(crate) const fn off(
        name: &'static str,
        parameters: &'static [Parameter],
        why: Why,
    ) -> Self {
        Self {
            name,
            parameters,
            variadic: false,
            status: Status::Off(why),
            by_reference: false,
            run: Run::Nothing,
        }
    }
}

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static Function>> =
    LazyLock::new(|| all().map(|function| (function.name, function)).collect());

/// All functions.
pub fn all() -> impl Iterator<Item = &'static Function> {
    GROUPS.iter().copied().flatten()
}

/// A function by its name.
pub fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

pub(crate) use date::date_argument;

/// The arguments of a call, in their order.
pub struct Arguments(std::vec::IntoIter<Value>);

impl Arguments {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// The next argument of any type.
    ///
    /// # Errors
    ///
    /// When there is none, as for the others.
    pub(crate) fn any(&mut self) -> Result<Value, Fault> {
        self.0.next().ok_or(Fault::Refused)
    }

    /// The next argument if there is one.
    pub(crate) fn next(&mut self) -> Option<Value> {
        self.0.next()
    }

    /// All that are left.
    pub(crate) fn rest(self) -> Vec<Value> {
        self.0.collect()
    }

    pub(crate) fn text(&mut self) -> Result<Text, Fault> {
        match self.any()? {
            Value::Text(text) => Ok(text),
            _ => Err(Fault::Refused),
        }
    }

    /// A text that can only be used if it is UTF-8.
    pub(crate) fn utf8(&mut self) -> Result<String, Fault> {
        let text = self.text()?;
        String::from_utf8(text.to_vec()).map_err(|_| Fault::Refused)
    }

    pub(crate) fn int(&mut self) -> Result<i64, Fault> {
        match self.any()? {
            Value::Int(number) => Ok(number),
            _ => Err(Fault::Refused),
        }
    }

    pub(crate) fn bool(&mut self) -> Result<bool, Fault> {
        match self.any()? {
            Value::Bool(truth) => Ok(truth),
            _ => Err(Fault::Refused),
        }
    }

    pub(crate) fn map(&mut self) -> Result<Map, Fault> {
        match self.any()? {
            Value::Map(map) => Ok(map),
            _ => Err(Fault::Refused),
        }
    }

    pub(crate) fn time(&mut self) -> Result<Rc<Time>, Fault> {
        match self.any()? {
            Value::Object(Object::Time(time)) => Ok(time),
            _ => Err(Fault::Refused),
        }
    }

    pub(crate) fn duration(&mut self) -> Result<i64, Fault> {
        match self.any()? {
            Value::Object(Object::Duration(nanoseconds)) => Ok(nanoseconds),
            _ => Err(Fault::Refused),
        }
    }

    pub(crate) fn version(&mut self) -> Result<Rc<Version>, Fault> {
        match self.any()? {
            Value::Object(Object::Version(version) | Object::VersionValue(version)) => Ok(version),
            _ => Err(Fault::Refused),
        }
    }
}

/// What a function may use beside its arguments: nothing but a place for what it makes, where that is counted.
pub struct Scope<'a> {
    pub(crate) meter: &'a mut Meter,
    pub(crate) heap: &'a mut Heap,
    /// Fills bytes at random, where that is allowed.
    pub(crate) random: Option<&'a mut Random<'a>>,
    /// What time it is, where that is allowed.
    pub(crate) now: Option<Timestamp>,
}

/// What a value takes in a list or a dictionary.
const CELL: usize = size_of::<Value>();
/// What an entry of a dictionary takes, without its key and value.
const ENTRY: usize = 2 * CELL;
/// What a text takes beside its bytes.
const TEXT: usize = 64;

impl Scope<'_> {
    /// Counts operations: elements looked at, letters compared.
    pub(crate) fn steps(&mut self, count: usize) -> Result<(), Fault> {
        Ok(self.meter.steps(count)?)
    }

    /// Counts bytes that are about to be made. Those of texts, lists and dictionaries are counted where these are.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.meter.remaining_memory() {
            // A function may ask without taking it.
            return Err(Problem::Memory(self.meter.limits().memory).into());
        }
        Ok(())
    }

    /// Fills bytes at random.
    pub(crate) fn random(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        match &mut self.random {
            Some(fill) => fill(bytes),
            None => return Err(Problem::FunctionOff(Why::Random).into()),
        }
        Ok(())
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Result<Time, Fault> {
        let off = Problem::FunctionOff(Why::Clock);
        let now = self.now.ok_or(off)?;
        let second = i64::from(now.subsec_nanosecond() < 0);
        let nanoseconds = i64::from(now.subsec_nanosecond()) + second * 1_000_000_000;
        Ok(Time::of_unix(now.as_second() - second, nanoseconds as u32))
    }

    /// How many bytes may still be made.
    pub(crate) fn remaining(&self) -> usize {
        self.meter.remaining_memory()
    }

    /// How deeply values may be nested where they are printed, compared or converted.
    pub(crate) fn value_depth(&self) -> usize {
        self.meter.limits().value_depth
    }

    /// That values are nested more deeply.
    pub(crate) fn too_deep(&self) -> Fault {
        self.meter.too_deep().into()
    }

    /// A text.
    pub(crate) fn text(&mut self, text: impl Into<Text>) -> Result<Value, Fault> {
        let text = text.into();
        self.meter.memory(text.len())?;
        Ok(Value::Text(text))
    }

    /// A text for a list or a dictionary, where many may be that are short: what each takes beside its bytes is counted too.
    pub(crate) fn kept_text(&mut self, text: impl Into<Text>) -> Result<Value, Fault> {
        self.meter.memory(TEXT)?;
        self.text(text)
    }

    /// A list.
    pub(crate) fn list(&mut self, element: Element, values: Vec<Value>) -> Result<Value, Fault> {
        self.meter.memory(CELL * (values.len() + 1))?;
        Ok(Value::List(self.heap.list(element, values)))
    }

    /// `[]string` of texts that were made for it.
    pub(crate) fn text_list(
        &mut self,
        texts: impl IntoIterator<Item = impl Into<Text>>,
    ) -> Result<Value, Fault> {
        let mut values = Vec::new();
        for text in texts {
            values.push(self.kept_text(text)?);
            self.reserve(CELL * values.len())?;
        }
        self.list(Element::Text, values)
    }

    /// `[]byte`
    pub(crate) fn byte_list(&mut self, bytes: &[u8]) -> Result<Value, Fault> {
        self.reserve(CELL * bytes.len())?;
        let values = bytes.iter().map(|byte| Value::Uint8(*byte)).collect();
        self.list(Element::Byte, values)
    }

    /// A dictionary. The texts of its keys are counted.
    pub(crate) fn map(
        &mut self,
        entry: Entry,
        values: BTreeMap<Text, Value>,
    ) -> Result<Value, Fault> {
        let keys: usize = values.keys().map(|key| key.len()).sum();
        self.meter.memory(ENTRY * (values.len() + 1) + keys)?;
        Ok(Value::Map(self.heap.map(entry, values)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_there_twice() {
        assert_eq!(BY_NAME.len(), all().count());
    }
}
