//! Reading JSON.

use std::collections::BTreeMap;

use crate::{
    error::Fault,
    functions::{CELL, ENTRY, Scope, TEXT},
    parse::parse_float,
    text::Text,
    unicode,
    value::{Element, Entry, Value},
};

pub(super) struct Read {
    pub(super) value: Value,
    /// Whether every number could be represented; one that could not is `nil`.
    pub(super) is_exact: bool,
}

/// So many bytes that are read are one step, beside those for values.
const BYTES_A_STEP: usize = 16;

/// The value of a text, if it is JSON.
pub(super) fn read(scope: &mut Scope<'_>, text: &[u8]) -> Result<Option<Read>, Fault> {
    scope.steps(text.len() / BYTES_A_STEP)?;
    let mut reader = Reader {
        scope,
        text,
        at: 0,
        is_exact: true,
    };
    match reader.document() {
        Ok(value) => Ok(Some(Read {
            value,
            is_exact: reader.is_exact,
        })),
        Err(Wrong::Syntax) => Ok(None),
        Err(Wrong::Fault(fault)) => Err(fault),
    }
}

enum Wrong {
    Syntax,
    Fault(Fault),
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

struct Reader<'a, 'b> {
    scope: &'a mut Scope<'b>,
    text: &'a [u8],
    at: usize,
    is_exact: bool,
}

impl Reader<'_, '_> {
    fn document(&mut self) -> Result<Value, Wrong> {
        let value = self.value(0)?;
        self.space();
        if self.at < self.text.len() {
            return Err(Wrong::Syntax);
        }
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Wrong> {
        if depth > self.scope.value_depth() {
            return Err(self.scope.too_deep().into());
        }
        self.scope.steps(1)?;
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => {
                let text = self.string()?;
                Ok(self.scope.kept_text(text)?)
            }
            Some(b't') => self.word(b"true", Value::Bool(true)),
            Some(b'f') => self.word(b"false", Value::Bool(false)),
            Some(b'n') => self.word(b"null", Value::Nil),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Wrong> {
        self.at += 1;
        let mut entries = BTreeMap::new();
        self.space();
        if !self.take(b'}') {
            loop {
                self.space();
                if self.peek() != Some(b'"') {
                    return Err(Wrong::Syntax);
                }
                let key = self.string()?;
                self.space();
                self.expect(b':')?;
                let value = self.value(depth + 1)?;
                entries.insert(Text::from(key), value);
                self.scope.reserve((ENTRY + TEXT) * entries.len())?;
                self.space();
                if !self.take(b',') {
                    self.expect(b'}')?;
                    break;
                }
            }
        }
        Ok(self.scope.map(Entry::Any, entries)?)
    }

    fn array(&mut self, depth: usize) -> Result<Value, Wrong> {
        self.at += 1;
        let mut values = Vec::new();
        self.space();
        if !self.take(b']') {
            loop {
                values.push(self.value(depth + 1)?);
                self.scope.reserve(CELL * values.len())?;
                self.space();
                if !self.take(b',') {
                    self.expect(b']')?;
                    break;
                }
            }
        }
        Ok(self.scope.list(Element::Any, values)?)
    }

    fn word(&mut self, word: &[u8], value: Value) -> Result<Value, Wrong> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Wrong::Syntax);
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Wrong> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        let text = str::from_utf8(&self.text[start..self.at]).map_err(|_| Wrong::Syntax)?;
        Ok(parse_float(text).map_or_else(
            || {
                self.is_exact = false;
                Value::Nil
            },
            Value::Float,
        ))
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            return Err(Wrong::Syntax);
        }
        Ok(())
    }

    /// A text in quotes. What is no code point becomes U+FFFD.
    fn string(&mut self) -> Result<Vec<u8>, Wrong> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            match rest.first() {
                None | Some(0..b' ') => return Err(Wrong::Syntax),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let letter = self.escape()?;
                    unicode::push(&mut out, letter);
                }
                Some(_) => {
                    let (letter, length) = unicode::decode(rest);
                    unicode::push(&mut out, letter);
                    self.at += length;
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Wrong> {
        let letter = self.peek().ok_or(Wrong::Syntax)?;
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hexadecimal(self.at).ok_or(Wrong::Syntax)?;
                self.at += 4;
                self.surrogate(first)
            }
            _ => return Err(Wrong::Syntax),
        })
    }

    /// Half a code point needs the other half behind it.
    fn surrogate(&mut self, first: u32) -> char {
        if let Some(letter) = char::from_u32(first) {
            return letter;
        }
        let is_escape = self.text[self.at..].starts_with(b"\\u");
        let second = Some(self.at + 2)
            .filter(|_| is_escape)
            .and_then(|at| self.hexadecimal(at));
        match second {
            Some(second @ 0xdc00..0xe000) if (0xd800..0xdc00).contains(&first) => {
                self.at += 6;
                let point = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                char::from_u32(point).unwrap_or(unicode::REPLACEMENT)
            }
            _ => unicode::REPLACEMENT,
        }
    }

    fn hexadecimal(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 4)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Wrong> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(Wrong::Syntax)
        }
    }
}
