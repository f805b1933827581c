//! Writing JSON.

use crate::{
    error::{Fault, Problem},
    fmt::fixed,
    functions::Scope,
    object::Object,
    text::Growing,
    unicode,
    value::{Element, Value},
};

/// How JSON is written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Two spaces a level.
    indents: bool,
    /// Whether `<`, `>` and `&` are escaped.
    escapes_html: bool,
}

pub(super) const COMPACT: Style = Style {
    indents: false,
    escapes_html: true,
};
pub(super) const PRETTY: Style = Style {
    indents: true,
    ..COMPACT
};
pub(super) const RAW: Style = Style {
    indents: false,
    escapes_html: false,
};

/// So many bytes that are written are one step.
const BYTES_A_STEP: usize = 16;

pub(super) fn write(scope: &mut Scope<'_>, value: &Value, style: Style) -> Result<Vec<u8>, Fault> {
    let mut writer = Writer {
        out: Growing::default(),
        longest: scope.remaining(),
        deepest: scope.value_depth(),
        style,
        values: 0,
        most_steps: scope.meter.remaining_steps(),
    };
    let result = writer.value(value, 0);
    // Also where nothing comes of it.
    scope.steps(writer.steps())?;
    match result {
        Ok(()) => Ok(writer.out.into_vec()),
        Err(Wrong::Refused) => Err(Fault::Refused),
        Err(Wrong::TooDeep) => Err(scope.too_deep()),
        Err(Wrong::TooCostly) => Err(Problem::Steps(scope.meter.limits().steps).into()),
        Err(Wrong::TooLong) => Err(Problem::Memory(scope.meter.limits().memory).into()),
    }
}

enum Wrong {
    Refused,
    TooDeep,
    TooLong,
    TooCostly,
}

struct Writer {
    out: Growing,
    longest: usize,
    deepest: usize,
    style: Style,
    /// How many values were written.
    values: usize,
    most_steps: u64,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Wrong> {
        if depth > self.deepest {
            return Err(Wrong::TooDeep);
        }
        self.values += 1;
        self.check()?;
        match value {
            Value::Missing | Value::Nil => self.out.extend(b"null"),
            Value::Bool(truth) => self.out.extend(if *truth { b"true" } else { b"false" }),
            Value::Int(number) | Value::Int64(number) => self.plain(&number.to_string()),
            Value::Uint8(number) => self.plain(&number.to_string()),
            Value::Uint32(number) => self.plain(&number.to_string()),
            Value::Uint64(number) => self.plain(&number.to_string()),
            Value::Float(number) if number.is_finite() => self.plain(&float(*number)),
            Value::Float(_) | Value::Complex(..) => return Err(Wrong::Refused),
            Value::Text(text) => self.text(text)?,
            Value::List(list) if list.is_nil() => self.out.extend(b"null"),
            Value::List(list) if list.element == Element::Byte => {
                let bytes: Vec<u8> = list
                    .to_vec()
                    .iter()
                    .filter_map(|byte| byte.unsigned().map(|byte| byte as u8))
                    .collect();
                self.text(&super::super::encoding::encode_base64(&bytes))?;
            }
            Value::List(list) => {
                self.out.extend(b"[");
                for index in 0..list.len() {
                    self.separate(index, depth + 1);
                    let element = list.get(index).unwrap_or(Value::Nil);
                    self.value(&element, depth + 1)?;
                }
                self.close(b"]", list.is_empty(), depth);
            }
            Value::Map(map) if map.entries.is_none() => self.out.extend(b"null"),
            Value::Map(map) => {
                self.out.extend(b"{");
                for (index, (key, entry)) in map.to_vec().iter().enumerate() {
                    self.separate(index, depth + 1);
                    self.text(key)?;
                    self.out
                        .extend(if self.style.indents { b": " } else { b":" });
                    self.value(entry, depth + 1)?;
                }
                self.close(b"}", map.is_empty(), depth);
            }
            Value::Object(object) => self.object(object)?,
        }
        Ok(())
    }

    fn object(&mut self, object: &Object) -> Result<(), Wrong> {
        match object {
            Object::Version(version) | Object::VersionValue(version) => {
                self.text(version.string().as_bytes())?;
            }
            Object::Time(time) => {
                let text = time.rfc3339().ok_or(Wrong::Refused)?;
                self.text(text.as_bytes())?;
            }
            // It has no fields that can be seen.
            Object::Location(_) => self.plain("{}"),
            Object::Duration(number) | Object::Month(number) | Object::Weekday(number) => {
                self.plain(&number.to_string());
            }
        }
        Ok(())
    }

    fn plain(&mut self, text: &str) {
        self.out.extend(text.as_bytes());
    }

    fn separate(&mut self, index: usize, depth: usize) {
        if index > 0 {
            self.out.extend(b",");
        }
        self.line(depth);
    }

    fn close(&mut self, bracket: &[u8], is_empty: bool, depth: usize) {
        if !is_empty {
            self.line(depth);
        }
        self.out.extend(bracket);
    }

    fn line(&mut self, depth: usize) {
        if self.style.indents {
            self.out.extend(b"\n");
            self.out.fill(b' ', 2 * depth);
        }
    }

    fn steps(&self) -> usize {
        self.values + self.out.len() / BYTES_A_STEP
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.out.len() > self.longest {
            return Err(Wrong::TooLong);
        }
        if self.steps() as u64 > self.most_steps {
            return Err(Wrong::TooCostly);
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Wrong> {
        self.out.extend(b"\"");
        let mut rest = text;
        while let Some(first) = rest.first() {
            self.check()?;
            let (letter, length) = unicode::decode(rest);
            let escaped = match letter {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\u{8}' => "\\b".to_owned(),
                '\u{c}' => "\\f".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                '<' | '>' | '&' if self.style.escapes_html => format!("\\u{first:04x}"),
                '\0'..' ' => format!("\\u{first:04x}"),
                '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", u32::from(letter)),
                unicode::REPLACEMENT if length == 1 => "\\ufffd".to_owned(),
                _ => {
                    self.out.extend(&rest[..length]);
                    rest = &rest[length..];
                    continue;
                }
            };
            self.plain(&escaped);
            rest = &rest[length..];
        }
        self.out.extend(b"\"");
        Ok(())
    }
}

/// As JavaScript writes numbers.
fn float(number: f64) -> String {
    let size = number.abs();
    let small_or_large = size != 0.0 && !(1e-6..1e21).contains(&size);
    let text = fixed(number, small_or_large);
    match text.split_once("e-0") {
        Some((mantissa, exponent)) => format!("{mantissa}e-{exponent}"),
        None => text,
    }
}
