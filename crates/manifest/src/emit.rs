//! Whole values as YAML or JSON text at an indentation.

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::render::{self, Place, Shape};

/// A value that may hold cleartext: its strings are wiped when it is dropped.
pub(crate) struct Cleartext(pub(crate) Value);

impl Drop for Cleartext {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(entries) => entries.values_mut().for_each(wipe),
    }
}

/// Writes block YAML.
pub(crate) struct Emitter<'t> {
    pub(crate) out: Zeroizing<String>,
    /// How much deeper a nested mapping stands.
    pub(crate) step: usize,
    pub(crate) eol: &'t str,
    /// Whether something follows on the line or no line break ends it, so that block scalars
    /// would come out wrong.
    pub(crate) avoids_block_scalars: bool,
}

impl<'t> Emitter<'t> {
    pub(crate) fn new(step: usize, eol: &'t str) -> Self {
        Self {
            out: Zeroizing::default(),
            step,
            eol,
            avoids_block_scalars: false,
        }
    }

    /// Makes room for a value at once; growing step by step would copy and wipe what is there each time.
    pub(crate) fn reserve(&mut self, value: &Value) {
        self.out.reserve(room(value));
    }

    /// A whole value whose first line is indented already.
    pub(crate) fn value(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                self.entries(
                    entries.iter().map(|(key, value)| (key.as_str(), value)),
                    indent,
                );
            }
            Value::Array(items) if !items.is_empty() => self.items(items, indent),
            _ => self.scalar(value, indent, indent),
        }
    }

    /// Entries of which the first line is indented already.
    pub(crate) fn entries<'v>(
        &mut self,
        entries: impl Iterator<Item = (&'v str, &'v Value)>,
        indent: usize,
    ) {
        for (number, (key, value)) in entries.enumerate() {
            if number > 0 {
                self.line(indent);
            }
            self.entry(key, value, indent);
        }
    }

    /// One entry; its key stands at column `indent`.
    pub(crate) fn entry(&mut self, key: &str, value: &Value, indent: usize) {
        if render::is_plain(key, Place::Flow) {
            self.out.push_str(key);
        } else {
            self.out.push_str(&render::double_quoted(key));
        }
        self.out.push(':');
        self.after_key(value, indent);
    }

    /// The value of an entry, after its colon; its key stands at column `indent`.
    pub(crate) fn after_key(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                self.line(indent + self.step);
                self.value(value, indent + self.step);
            }
            Value::Array(items) if !items.is_empty() => {
                self.line(indent);
                self.items(items, indent);
            }
            _ => {
                self.out.push(' ');
                self.scalar(value, indent, indent + self.step);
            }
        }
    }

    /// Starts a line.
    pub(crate) fn line(&mut self, indent: usize) {
        self.out.push_str(self.eol);
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn items(&mut self, items: &[Value], indent: usize) {
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.line(indent);
            }
            self.out.push_str("- ");
            match item {
                Value::String(_) => self.scalar(item, indent, indent + 2),
                _ => self.value(item, indent + 2),
            }
        }
    }

    fn scalar(&mut self, value: &Value, parent: usize, indent: usize) {
        let Value::String(text) = value else {
            return self.out.push_str(&value.to_string());
        };
        // At the root there is no parent column to stand deeper than.
        let indent = if indent == parent {
            parent + self.step
        } else {
            indent
        };
        let text = string(
            text,
            Shape {
                indent,
                parent,
                eol: self.eol,
            },
            self.avoids_block_scalars,
        );
        self.out.push_str(&text);
    }
}

/// About as many bytes as a value takes.
fn room(value: &Value) -> usize {
    /// For indentation, marks and quotes.
    const AROUND: usize = 16;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => AROUND,
        Value::String(text) => text.len() + AROUND,
        Value::Array(items) => items.iter().map(room).sum(),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| key.len() + AROUND + room(value))
            .sum(),
    }
}

/// A string in the first fitting form: plain, literal if it has lines, double quotes.
pub(crate) fn string(value: &str, shape: Shape<'_>, avoids_block: bool) -> Zeroizing<String> {
    if render::is_plain(value, Place::Block) {
        return Zeroizing::new(value.to_owned());
    }
    let literal = if value.contains('\n') && !avoids_block {
        render::literal(value, shape, "")
    } else {
        None
    };
    literal.unwrap_or_else(|| render::double_quoted(value))
}

/// A value in brackets on one line, strings in double quotes where they need them.
pub(crate) fn flow(value: &Value) -> Zeroizing<String> {
    let mut out = Zeroizing::default();
    push_flow(&mut out, value);
    out
}

fn push_flow(out: &mut Zeroizing<String>, value: &Value) {
    match value {
        Value::String(text) => push_flow_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                push_flow(out, item);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (number, (key, value)) in entries.iter().enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                push_flow_string(out, key);
                out.push_str(": ");
                push_flow(out, value);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

pub(crate) fn flow_string(text: &str) -> Zeroizing<String> {
    if render::is_plain(text, Place::Flow) {
        Zeroizing::new(text.to_owned())
    } else {
        render::double_quoted(text)
    }
}

fn push_flow_string(out: &mut Zeroizing<String>, text: &str) {
    out.push_str(&flow_string(text));
}

/// How JSON is laid out.
pub(crate) struct JsonLayout<'t> {
    /// One level of indentation; none writes everything on one line.
    pub(crate) step: Option<&'t str>,
    /// What the lines start with.
    pub(crate) margin: &'t str,
    pub(crate) eol: &'t str,
    /// What follows a colon.
    pub(crate) gap: &'t str,
}

impl JsonLayout<'_> {
    /// A value at a depth.
    pub(crate) fn value(&self, out: &mut Zeroizing<String>, value: &Value, depth: usize) {
        match value {
            Value::Array(items) if !items.is_empty() => {
                out.push('[');
                for (number, item) in items.iter().enumerate() {
                    self.separate(out, number, depth + 1);
                    self.value(out, item, depth + 1);
                }
                self.line(out, depth);
                out.push(']');
            }
            Value::Object(entries) if !entries.is_empty() => {
                out.push('{');
                for (number, (key, value)) in entries.iter().enumerate() {
                    self.separate(out, number, depth + 1);
                    self.entry(out, key, value, depth + 1);
                }
                self.line(out, depth);
                out.push('}');
            }
            Value::String(text) => out.push_str(&render::json_quoted(text)),
            _ => out.push_str(&value.to_string()),
        }
    }

    /// A key with its value.
    pub(crate) fn entry(
        &self,
        out: &mut Zeroizing<String>,
        key: &str,
        value: &Value,
        depth: usize,
    ) {
        out.push_str(&render::json_quoted(key));
        out.push(':');
        out.push_str(self.gap);
        self.value(out, value, depth);
    }

    fn separate(&self, out: &mut Zeroizing<String>, number: usize, depth: usize) {
        out.push_str(match (number, self.step) {
            (0, _) => "",
            (_, None) if !self.gap.is_empty() => ", ",
            _ => ",",
        });
        self.line(out, depth);
    }

    pub(crate) fn line(&self, out: &mut Zeroizing<String>, depth: usize) {
        let Some(step) = self.step else { return };
        out.push_str(self.eol);
        out.push_str(self.margin);
        out.push_str(&step.repeat(depth));
    }
}
