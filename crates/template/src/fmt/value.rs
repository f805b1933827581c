//! Values by verb.

use super::{Printer, Wrong, quote};
use crate::{
    object::Object,
    unicode,
    value::{Element, Kind, List, Map, Value},
};

impl Printer {
    /// An argument.
    pub(super) fn argument(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Missing | Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Missing | Value::Nil, _) => self.bad_verb(value, verb),
            (_, 'T') => self.plain(value.type_name().as_bytes()),
            (_, 'p') if is_address(value) => self.wrong = Some(Wrong::Address),
            (_, 'p') => self.bad_verb(value, verb),
            _ => self.value(value, verb, 0),
        }
    }

    /// A value, at a depth in what is shown.
    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        self.take_steps(1);
        if self.wrong.is_some() {
            return;
        }
        if depth > self.deepest {
            self.wrong = Some(Wrong::TooDeep);
            return;
        }
        let has_verb = match value {
            Value::Missing | Value::Nil => {
                let nil: &[u8] = if self.flags.sharp_v {
                    b"interface {}(nil)"
                } else {
                    b"<nil>"
                };
                self.write(nil);
                true
            }
            Value::Bool(truth) => self.bool(*truth, verb),
            Value::Int(number) | Value::Int64(number) => {
                self.integer(number.unsigned_abs(), *number < 0, true, verb)
            }
            Value::Uint8(number) => self.integer(u64::from(*number), false, false, verb),
            Value::Uint32(number) => self.integer(u64::from(*number), false, false, verb),
            Value::Uint64(number) => self.integer(*number, false, false, verb),
            Value::Float(number) => self.float(*number, verb),
            Value::Complex(real, imaginary) => self.complex(*real, *imaginary, verb),
            Value::Text(text) => self.text(text, verb),
            Value::List(list) => {
                self.list(value, list, verb, depth);
                true
            }
            Value::Map(map) => {
                self.map(value, map, verb, depth);
                true
            }
            Value::Object(object) => {
                self.object(value, object, verb, depth);
                true
            }
        };
        if !has_verb {
            self.bad_verb(value, verb);
        }
    }

    fn bool(&mut self, truth: bool, verb: char) -> bool {
        let has_verb = matches!(verb, 't' | 'v');
        if has_verb {
            self.pad(if truth { b"true" } else { b"false" });
        }
        has_verb
    }

    /// Returns whether there is such a verb.
    fn text(&mut self, text: &[u8], verb: char) -> bool {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.plain(text),
            'x' => self.bytes_in_hexadecimal(text, false),
            'X' => self.bytes_in_hexadecimal(text, true),
            'q' => self.quoted(text),
            _ => return false,
        }
        true
    }

    /// A text as it is, cut to the precision.
    fn plain(&mut self, text: &[u8]) {
        self.pad(self.cut(text));
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.cut(text);
        // No escape is more than four times as long as what it stands for.
        if !self.has_room(text.len().saturating_mul(4)) {
            return;
        }
        let quoted = if self.flags.sharp && quote::can_be_raw(text) {
            [b"`", text, b"`"].concat()
        } else {
            quote::quoted(text, self.flags.plus)
        };
        self.pad(&quoted);
    }

    fn cut<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let end = self
            .flags
            .precision
            .and_then(|precision| unicode::runes(text).nth(precision))
            .map_or(text.len(), |(start, _)| start);
        &text[..end]
    }

    fn bytes_in_hexadecimal(&mut self, bytes: &[u8], upper: bool) {
        let length = self.flags.precision.unwrap_or(usize::MAX).min(bytes.len());
        let width = self.flags.width.unwrap_or(0);
        if length == 0 {
            self.padding(width);
            return;
        }
        let prefix: &[u8] = match (self.flags.sharp, upper) {
            (false, _) => b"",
            (true, false) => b"0x",
            (true, true) => b"0X",
        };
        let prefixes = if self.flags.space { length } else { 1 };
        let spaces = if self.flags.space { length - 1 } else { 0 };
        let missing = width.saturating_sub(2 * length + prefixes * prefix.len() + spaces);
        if !self.flags.minus {
            self.padding(missing);
        }
        for (index, byte) in bytes[..length].iter().enumerate() {
            if index > 0 && self.flags.space {
                self.write(b" ");
            }
            if index == 0 || self.flags.space {
                self.write(prefix);
            }
            let digits: &[u8; 16] = if upper {
                b"0123456789ABCDEF"
            } else {
                b"0123456789abcdef"
            };
            self.write(&[
                digits[usize::from(byte >> 4)],
                digits[usize::from(byte & 15)],
            ]);
        }
        if self.flags.minus {
            self.padding(missing);
        }
    }

    fn list(&mut self, value: &Value, list: &List, verb: char, depth: usize) {
        if list.element == Element::Byte {
            let bytes: Vec<u8> = list.to_vec().iter().filter_map(byte).collect();
            if self.bytes(&bytes, value, list, verb) {
                return;
            }
        }
        if self.flags.sharp_v {
            self.write(value.type_name().as_bytes());
            if list.is_nil() {
                self.write(b"(nil)");
                return;
            }
        }
        let [open, close]: [&[u8]; 2] = if self.flags.sharp_v {
            [b"{", b"}"]
        } else {
            [b"[", b"]"]
        };
        self.write(open);
        for index in 0..list.len() {
            if index > 0 {
                self.separator();
            }
            if let Some(element) = list.get(index) {
                self.value(&element, verb, depth + 1);
            }
            if self.wrong.is_some() {
                return;
            }
        }
        self.write(close);
    }

    /// `[]byte`. Returns whether the verb is one for bytes and not for lists.
    fn bytes(&mut self, bytes: &[u8], value: &Value, list: &List, verb: char) -> bool {
        match verb {
            's' | 'q' | 'x' | 'X' => return self.text(bytes, verb),
            'v' | 'd' if self.flags.sharp_v => {}
            _ => return false,
        }
        self.write(if verb == 'v' {
            b"[]byte"
        } else {
            value.type_name().as_bytes()
        });
        if list.is_nil() {
            self.write(b"(nil)");
            return true;
        }
        self.write(b"{");
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 {
                self.write(b", ");
            }
            self.hexadecimal(u64::from(*byte));
        }
        self.write(b"}");
        true
    }

    fn map(&mut self, value: &Value, map: &Map, verb: char, depth: usize) {
        if self.flags.sharp_v {
            self.write(value.type_name().as_bytes());
            if map.entries.is_none() {
                self.write(b"(nil)");
                return;
            }
            self.write(b"{");
        } else {
            self.write(b"map[");
        }
        for (index, (key, entry)) in map.to_vec().into_iter().enumerate() {
            if index > 0 {
                self.separator();
            }
            self.value(&Value::Text(key), verb, depth + 1);
            self.write(b":");
            self.value(&entry, verb, depth + 1);
            if self.wrong.is_some() {
                return;
            }
        }
        self.write(if self.flags.sharp_v { b"}" } else { b"]" });
    }

    fn object(&mut self, value: &Value, object: &Object, verb: char, depth: usize) {
        if !self.erroring
            && self.flags.sharp_v
            && let Some(text) = object.go_string()
        {
            self.plain(text.as_bytes());
            return;
        }
        let has_method = matches!(verb, 'v' | 's' | 'x' | 'X' | 'q');
        if has_method && !self.erroring && !self.flags.sharp_v {
            self.text(object.string().as_bytes(), verb);
            return;
        }
        if let Some(number) = object.number() {
            if !self.integer(number.unsigned_abs(), number < 0, true, verb) {
                self.bad_verb(value, verb);
            }
            return;
        }
        if object.kind() == Kind::Pointer {
            if depth > 0 {
                self.wrong = Some(Wrong::Address);
                return;
            }
            self.write(b"&");
        }
        if self.flags.sharp_v {
            self.write(object.type_name().trim_start_matches('*').as_bytes());
        }
        self.write(b"{");
        let Some(fields) = object.fields() else {
            self.wrong = Some(Wrong::Address);
            return;
        };
        for (index, (name, field)) in fields.iter().enumerate() {
            if index > 0 {
                self.separator();
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.write(name.as_bytes());
                self.write(b":");
            }
            self.value(field, verb, depth + 1);
        }
        self.write(b"}");
    }

    fn separator(&mut self) {
        self.write(if self.flags.sharp_v { b", " } else { b" " });
    }

    /// `%!verb(type=value)`
    fn bad_verb(&mut self, value: &Value, verb: char) {
        let erroring = std::mem::replace(&mut self.erroring, true);
        self.write(b"%!");
        self.letter(verb);
        self.write(b"(");
        if value.is_nothing() {
            self.write(b"<nil>");
        } else {
            self.write(value.type_name().as_bytes());
            self.write(b"=");
            self.value(value, 'v', 0);
        }
        self.write(b")");
        self.erroring = erroring;
    }

    pub(super) fn letter(&mut self, letter: char) {
        self.write(letter.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

fn byte(value: &Value) -> Option<u8> {
    match value {
        Value::Uint8(byte) => Some(*byte),
        _ => None,
    }
}

fn is_address(value: &Value) -> bool {
    matches!(value.kind(), Kind::Slice | Kind::Map | Kind::Pointer)
}
