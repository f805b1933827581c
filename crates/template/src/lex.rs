//! The words of the language: text between actions, and what stands inside them.

use crate::unicode;

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const LEFT_COMMENT: &str = "/*";
const RIGHT_COMMENT: &str = "*/";
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// A word and where it stands in the template.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text outside of actions, trimmed.
    Text,
    LeftDelimiter,
    RightDelimiter,
    Space,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    /// `|`
    Pipe,
    LeftParenthesis,
    RightParenthesis,
    /// Another ASCII sign, such as the comma.
    Sign,
    /// `.`
    Dot,
    /// `.name`
    Field,
    /// `$` or `$name`
    Variable,
    Identifier,
    Bool,
    Nil,
    Number,
    Complex,
    Character,
    Quoted,
    RawQuoted,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
    /// The end of the template.
    EndOfTemplate,
    /// What cannot be read; nothing follows.
    Wrong(&'static str),
}

/// The words of a template. The last one is [`Kind::EndOfTemplate`] or [`Kind::Wrong`].
pub(crate) fn lex(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        source,
        at: 0,
        start: 0,
        tokens: Vec::new(),
    };
    if let Err(wrong) = lexer.run() {
        lexer.emit(Kind::Wrong(wrong));
    }
    lexer.tokens
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    /// Where the current word starts.
    start: usize,
    tokens: Vec<Token>,
}

type Result<T> = std::result::Result<T, &'static str>;

impl<'a> Lexer<'a> {
    fn run(&mut self) -> Result<()> {
        while let Some(found) = self.rest().find(LEFT) {
            self.at += found;
            let text_end = self.at;
            self.at += LEFT.len();
            let trims = has_left_marker(self.rest());
            let text = &self.source[self.start..text_end];
            let text = if trims {
                text.trim_end_matches(SPACES)
            } else {
                text
            };
            self.token(Kind::Text, self.start, self.start + text.len());
            let after_marker = if trims { 2 } else { 0 };
            self.start = text_end;
            if self.rest()[after_marker..].starts_with(LEFT_COMMENT) {
                self.at += after_marker;
                self.comment()?;
            } else {
                self.emit(Kind::LeftDelimiter);
                self.at += after_marker;
                self.start = self.at;
                self.action()?;
            }
        }
        self.token(Kind::Text, self.start, self.source.len());
        self.start = self.source.len();
        self.at = self.start;
        self.emit(Kind::EndOfTemplate);
        Ok(())
    }

    fn comment(&mut self) -> Result<()> {
        self.at += LEFT_COMMENT.len();
        let length = self
            .rest()
            .find(RIGHT_COMMENT)
            .ok_or("a comment is not closed")?;
        self.at += length + RIGHT_COMMENT.len();
        if !self.at_right_delimiter() {
            return Err("a comment ends before the action does");
        }
        self.right_delimiter();
        // Comments are not words.
        self.tokens.pop();
        Ok(())
    }

    /// The words up to and with the right delimiter.
    fn action(&mut self) -> Result<()> {
        let mut parentheses = 0_usize;
        loop {
            if self.at_right_delimiter() {
                if parentheses > 0 {
                    return Err("a parenthesis is not closed");
                }
                self.right_delimiter();
                return Ok(());
            }
            match self.next().ok_or("an action is not closed")? {
                letter if is_space(letter) => self.space(),
                '=' => self.emit(Kind::Assign),
                ':' => {
                    if self.next() != Some('=') {
                        return Err("a colon without an equals sign");
                    }
                    self.emit(Kind::Declare);
                }
                '|' => self.emit(Kind::Pipe),
                '"' => {
                    self.quoted('"', "a text is not closed on its line")?;
                    self.emit(Kind::Quoted);
                }
                '`' => {
                    let length = self.rest().find('`').ok_or("a raw text is not closed")?;
                    self.at += length + 1;
                    self.emit(Kind::RawQuoted);
                }
                '$' => self.name(Kind::Variable, Kind::Variable)?,
                '\'' => {
                    self.quoted('\'', "a character is not closed on its line")?;
                    self.emit(Kind::Character);
                }
                '.' if !self.rest().starts_with(|next: char| next.is_ascii_digit()) => {
                    self.name(Kind::Field, Kind::Dot)?;
                }
                letter @ ('.' | '+' | '-' | '0'..='9') => {
                    self.at -= letter.len_utf8();
                    self.number()?;
                }
                letter if is_in_name(letter) => self.word()?,
                '(' => {
                    parentheses += 1;
                    self.emit(Kind::LeftParenthesis);
                }
                ')' => {
                    parentheses = parentheses
                        .checked_sub(1)
                        .ok_or("a parenthesis is closed that was not opened")?;
                    self.emit(Kind::RightParenthesis);
                }
                ' '..='~' => self.emit(Kind::Sign),
                _ => return Err("a character that has no meaning in an action"),
            }
        }
    }

    /// The first space is read. One before a marker that trims belongs to the marker.
    fn space(&mut self) {
        let trimmed = self.rest().trim_start_matches(SPACES);
        self.at = self.source.len() - trimmed.len();
        let marker = &self.source[self.at - 1..];
        if has_right_marker(marker) && marker[2..].starts_with(RIGHT) {
            self.at -= 1;
            if self.at == self.start {
                return;
            }
        }
        self.emit(Kind::Space);
    }

    /// A name after a dot or a dollar sign, which is read.
    fn name(&mut self, kind: Kind, alone: Kind) -> Result<()> {
        if self.at_terminator() {
            self.emit(alone);
            return Ok(());
        }
        self.skip_name();
        if !self.at_terminator() {
            return Err("a character that cannot be in a name");
        }
        self.emit(kind);
        Ok(())
    }

    /// The first letter is read.
    fn word(&mut self) -> Result<()> {
        self.skip_name();
        if !self.at_terminator() {
            return Err("a character that cannot be in a name");
        }
        let kind = match &self.source[self.start..self.at] {
            "block" => Kind::Block,
            "break" => Kind::Break,
            "continue" => Kind::Continue,
            "define" => Kind::Define,
            "else" => Kind::Else,
            "end" => Kind::End,
            "if" => Kind::If,
            "nil" => Kind::Nil,
            "range" => Kind::Range,
            "template" => Kind::Template,
            "with" => Kind::With,
            "true" | "false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind);
        Ok(())
    }

    fn skip_name(&mut self) {
        let rest = self.rest().trim_start_matches(is_in_name);
        self.at = self.source.len() - rest.len();
    }

    /// The opening quote is read; so are escapes, whose meaning is the parser's.
    fn quoted(&mut self, quote: char, wrong: &'static str) -> Result<()> {
        loop {
            match self.next() {
                Some('\\') if !matches!(self.next(), None | Some('\n')) => {}
                None | Some('\n' | '\\') => return Err(wrong),
                Some(letter) if letter == quote => return Ok(()),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Result<()> {
        const WRONG: &str = "not a number";
        if !self.simple_number() {
            return Err(WRONG);
        }
        if !self.rest().starts_with(['+', '-']) {
            self.emit(Kind::Number);
            return Ok(());
        }
        if !self.simple_number() || !self.source[..self.at].ends_with('i') {
            return Err(WRONG);
        }
        self.emit(Kind::Complex);
        Ok(())
    }

    /// Reads what may be a number; whether it is one is the parser's to say.
    fn simple_number(&mut self) -> bool {
        self.accept(&['+', '-']);
        let mut base = 10;
        if self.accept(&['0']) {
            base = if self.accept(&['x', 'X']) {
                16
            } else if self.accept(&['o', 'O']) {
                8
            } else if self.accept(&['b', 'B']) {
                2
            } else {
                10
            };
        }
        self.digits(base);
        if self.accept(&['.']) {
            self.digits(base);
        }
        if base == 10 && self.accept(&['e', 'E']) || base == 16 && self.accept(&['p', 'P']) {
            self.accept(&['+', '-']);
            self.digits(10);
        }
        self.accept(&['i']);
        !self.rest().starts_with(is_in_name)
    }

    fn digits(&mut self, base: u32) {
        let rest = self
            .rest()
            .trim_start_matches(|letter: char| letter == '_' || letter.is_digit(base));
        self.at = self.source.len() - rest.len();
    }

    fn accept(&mut self, letters: &[char]) -> bool {
        let found = self.rest().starts_with(letters);
        // All of them are ASCII.
        self.at += usize::from(found);
        found
    }

    fn at_right_delimiter(&self) -> bool {
        let rest = self.rest();
        rest.starts_with(RIGHT) || has_right_marker(rest) && rest[2..].starts_with(RIGHT)
    }

    /// Reads the right delimiter, with its marker and the spaces that this trims.
    fn right_delimiter(&mut self) {
        let trims = has_right_marker(self.rest());
        if trims {
            self.at += 2;
            self.start = self.at;
        }
        self.at += RIGHT.len();
        self.emit(Kind::RightDelimiter);
        if trims {
            self.at = self.source.len() - self.rest().trim_start_matches(SPACES).len();
        }
        self.start = self.at;
    }

    /// Whether a name may end here.
    fn at_terminator(&self) -> bool {
        let rest = self.rest();
        rest.is_empty()
            || rest.starts_with(SPACES)
            || rest.starts_with(['.', ',', '|', ':', ')', '('])
            || rest.starts_with(RIGHT)
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.rest().chars().next()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    /// Makes a word of what was read since the last one.
    fn emit(&mut self, kind: Kind) {
        self.tokens.push(Token {
            kind,
            start: self.start,
            end: self.at,
        });
        self.start = self.at;
    }

    /// Makes a word, unless it is empty.
    fn token(&mut self, kind: Kind, start: usize, end: usize) {
        if start < end {
            self.tokens.push(Token { kind, start, end });
        }
    }
}

fn is_space(letter: char) -> bool {
    SPACES.contains(&letter)
}

fn is_in_name(letter: char) -> bool {
    letter == '_' || unicode::is_letter(letter) || unicode::is_digit(letter)
}

/// `- ` after the left delimiter.
fn has_left_marker(rest: &str) -> bool {
    rest.strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(SPACES))
}

/// ` -` before the right delimiter.
fn has_right_marker(rest: &str) -> bool {
    rest.strip_prefix(SPACES)
        .is_some_and(|rest| rest.starts_with('-'))
}
