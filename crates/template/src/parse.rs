//! From words to a [`Tree`]. The grammar is in the documentation of the crate.
//!
//! Bodies are kept on a stack of what is open, not on the machine's; only parentheses recurse, to a limit.

mod clock;
mod expression;
mod float;
mod number;
mod quoted;
mod variables;

use std::collections::BTreeMap;

pub(crate) use float::parse_float;
pub(crate) use number::parse_int;
use variables::Variables;

use crate::{
    error::{Error, Position, Problem},
    functions::{Function, Why},
    lex::{Kind, Token, lex},
    node::{
        BodyId, Branch, DOLLAR, Definition, Name, Pipeline, Statement, StatementId, StatementKind,
        Tree,
    },
    text::Text,
    unicode,
};

/// A problem and the byte where it is.
type Result<T> = std::result::Result<T, Wrong>;

struct Wrong {
    offset: usize,
    function: Option<String>,
    problem: Problem,
}

/// A template that was parsed.
pub(crate) struct Parsed {
    pub(crate) tree: Tree,
    /// The body that rendering starts with.
    pub(crate) start: BodyId,
    /// What has to be allowed, in its order.
    pub(crate) off: Vec<Off>,
}

/// A function that has to be allowed, and where it is named.
pub(crate) struct Off {
    pub(crate) function: &'static Function,
    pub(crate) why: Why,
    pub(crate) offset: usize,
}

/// Parses the text of the template with this name.
pub(crate) fn parse(name: &str, source: &str) -> std::result::Result<Parsed, Error> {
    let mut parser = Parser::new(source);
    parser.run(name).map_err(|wrong| Error {
        position: Position::of(source, wrong.offset),
        function: wrong.function,
        problem: wrong.problem,
    })
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    /// The next word.
    at: usize,
    parentheses: usize,
    /// Every name of a variable that occurs, by number.
    names: BTreeMap<&'a str, Name>,
    variables: Variables,
    /// How many `range` are open in this template.
    ranges: usize,
    open: Vec<Open>,
    tree: Tree,
    off: Vec<Off>,
    /// Functions of dates that are given the text of a value, unless the template gives itself other values.
    clocks: Vec<Off>,
    /// Whether `$` becomes something else somewhere.
    dollar_changes: bool,
}

/// An action that waits for its `end`.
struct Open {
    kind: OpenKind,
    offset: usize,
    statements: Vec<StatementId>,
    /// What came before `else`.
    before_else: Option<Vec<StatementId>>,
    /// Whether the `end` that closes this closes what is around it too: it is what follows an `else`.
    continues: bool,
    variables: usize,
}

enum OpenKind {
    /// The template itself.
    Root,
    /// With the variables of the template around it.
    Define(Text, Variables),
    /// With the variables and the open `range`s of the template around it.
    Block(Text, Pipeline, Variables, usize),
    If(Pipeline),
    With(Pipeline),
    Range(Pipeline),
}

const UNEXPECTED: &str = "something that does not belong there";

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            tokens: lex(source),
            at: 0,
            parentheses: 0,
            names: BTreeMap::from([("$", DOLLAR)]),
            variables: Variables::new(),
            ranges: 0,
            open: Vec::new(),
            tree: Tree::default(),
            off: Vec::new(),
            clocks: Vec::new(),
            dollar_changes: false,
        }
    }

    fn run(&mut self, name: &str) -> Result<Parsed> {
        self.push(OpenKind::Root, 0);
        loop {
            let token = self.next_word();
            match token.kind {
                Kind::EndOfTemplate => break,
                Kind::Text => self.statement(
                    token.start,
                    StatementKind::Text {
                        start: token.start,
                        end: token.end,
                    },
                ),
                Kind::LeftDelimiter => self.action()?,
                _ => return Err(self.unexpected(token, UNEXPECTED)),
            }
        }
        let root = self.open.pop().filter(|_| self.open.is_empty());
        let Some(Open {
            kind: OpenKind::Root,
            statements,
            ..
        }) = root
        else {
            return Err(self.wrong(self.source.len(), "an action has no end"));
        };
        let name = Text::from(name);
        self.define(name.clone(), statements, self.source.len())?;
        let tree = std::mem::take(&mut self.tree);
        let start = tree.definitions.get(&name).map_or(0, |found| found.body);
        let mut off = std::mem::take(&mut self.off);
        let calls_itself = |statement: &Statement| matches!(&statement.kind, StatementKind::Template { name: called, .. } if *called == name);
        if !self.dollar_changes && !tree.statements.iter().any(calls_itself) {
            off.append(&mut self.clocks);
        }
        off.sort_by_key(|off| off.offset);
        Ok(Parsed { tree, start, off })
    }

    /// An action whose left delimiter is read.
    fn action(&mut self) -> Result<()> {
        let token = self.next_word();
        match token.kind {
            Kind::Define => self.open_define(token),
            Kind::Block => self.open_block(token),
            Kind::If | Kind::With | Kind::Range => self.open_branch(token, false),
            Kind::Else => self.alternative(token),
            Kind::End => {
                self.expect(Kind::RightDelimiter, UNEXPECTED)?;
                self.close(token)
            }
            Kind::Template => self.call(),
            Kind::Break | Kind::Continue => {
                self.expect(Kind::RightDelimiter, UNEXPECTED)?;
                if self.ranges == 0 {
                    return Err(self.wrong(token.start, "break or continue outside of range"));
                }
                let kind = if token.kind == Kind::Break {
                    StatementKind::Break
                } else {
                    StatementKind::Continue
                };
                self.statement(token.start, kind);
                Ok(())
            }
            _ => {
                self.at -= 1;
                let pipeline = self.pipeline(false, Kind::RightDelimiter)?;
                self.statement(token.start, StatementKind::Action(pipeline));
                Ok(())
            }
        }
    }

    /// `define "name"`
    fn open_define(&mut self, token: Token) -> Result<()> {
        if self.open.len() != 1 {
            return Err(self.wrong(token.start, "define inside of another action"));
        }
        let name = self.template_name()?;
        self.expect(Kind::RightDelimiter, UNEXPECTED)?;
        let outer = std::mem::replace(&mut self.variables, Variables::new());
        self.push(OpenKind::Define(name, outer), token.start);
        Ok(())
    }

    /// `block "name" pipeline`
    fn open_block(&mut self, token: Token) -> Result<()> {
        let name = self.template_name()?;
        let pipeline = self.pipeline(false, Kind::RightDelimiter)?;
        let outer = std::mem::replace(&mut self.variables, Variables::new());
        let ranges = std::mem::take(&mut self.ranges);
        self.push(OpenKind::Block(name, pipeline, outer, ranges), token.start);
        Ok(())
    }

    /// `if pipeline`, `with pipeline`, `range pipeline`
    fn open_branch(&mut self, token: Token, continues: bool) -> Result<()> {
        let variables = self.variables.declared.len();
        let is_range = token.kind == Kind::Range;
        let pipeline = self.pipeline(is_range, Kind::RightDelimiter)?;
        let kind = match token.kind {
            Kind::If => OpenKind::If(pipeline),
            Kind::With => OpenKind::With(pipeline),
            _ => OpenKind::Range(pipeline),
        };
        self.ranges += usize::from(is_range);
        self.open.push(Open {
            kind,
            offset: token.start,
            statements: Vec::new(),
            before_else: None,
            continues,
            variables,
        });
        Ok(())
    }

    /// `else`, `else if pipeline`, `else with pipeline`
    fn alternative(&mut self, token: Token) -> Result<()> {
        let next = self.peek_word();
        let misplaced = self.wrong(token.start, "an else that belongs to nothing");
        let Some(open) = self.open.last_mut() else {
            return Err(misplaced);
        };
        let may_continue = match (&open.kind, next.kind) {
            (OpenKind::If(_), Kind::If) | (OpenKind::With(_), Kind::With) => true,
            (OpenKind::If(_) | OpenKind::With(_) | OpenKind::Range(_), Kind::RightDelimiter) => {
                false
            }
            _ => return Err(misplaced),
        };
        if open.before_else.is_some() {
            return Err(misplaced);
        }
        open.before_else = Some(std::mem::take(&mut open.statements));
        self.ranges -= usize::from(matches!(open.kind, OpenKind::Range(_)));
        let next = self.next_word();
        if may_continue {
            return self.open_branch(next, true);
        }
        Ok(())
    }

    /// `end`, whose right delimiter is read.
    fn close(&mut self, token: Token) -> Result<()> {
        loop {
            let Some(open) = self.open.pop().filter(|_| !self.open.is_empty()) else {
                return Err(self.wrong(token.start, "an end that belongs to nothing"));
            };
            let continues = open.continues;
            self.finish(open)?;
            if !continues {
                return Ok(());
            }
        }
    }

    /// Makes a statement or a template of what was open.
    fn finish(&mut self, open: Open) -> Result<()> {
        let offset = open.offset;
        let branch = match open.kind {
            OpenKind::Root => None,
            OpenKind::Define(name, variables) => {
                self.variables = variables;
                return self.define(name, open.statements, offset);
            }
            OpenKind::Block(name, pipeline, variables, ranges) => {
                self.variables = variables;
                self.ranges = ranges;
                self.define(name.clone(), open.statements, offset)?;
                let argument = Some(pipeline);
                self.statement(offset, StatementKind::Template { name, argument });
                return Ok(());
            }
            OpenKind::If(pipeline) => {
                Some((StatementKind::If as fn(Branch) -> StatementKind, pipeline))
            }
            OpenKind::With(pipeline) => Some((StatementKind::With as _, pipeline)),
            OpenKind::Range(pipeline) => {
                self.ranges -= usize::from(open.before_else.is_none());
                Some((StatementKind::Range as _, pipeline))
            }
        };
        let Some((kind, pipeline)) = branch else {
            return Ok(());
        };
        self.variables.truncate(open.variables);
        let (first, second) = match open.before_else {
            Some(before) => (before, Some(open.statements)),
            None => (open.statements, None),
        };
        let body = self.body(first);
        let otherwise = second.map(|statements| self.body(statements));
        self.statement(
            offset,
            kind(Branch {
                pipeline,
                body,
                otherwise,
            }),
        );
        Ok(())
    }

    /// `template "name"`, `template "name" pipeline`
    fn call(&mut self) -> Result<()> {
        let offset = self.peek_word().start;
        let name = self.template_name()?;
        let argument = if self.peek_word().kind == Kind::RightDelimiter {
            self.next_word();
            None
        } else {
            Some(self.pipeline(false, Kind::RightDelimiter)?)
        };
        self.statement(offset, StatementKind::Template { name, argument });
        Ok(())
    }

    /// Adds a template under its name. Nothing but white space is as good as no template.
    fn define(&mut self, name: Text, statements: Vec<StatementId>, offset: usize) -> Result<()> {
        let is_empty = self.is_empty(&statements);
        let definition = Definition {
            body: self.body(statements),
            is_empty,
        };
        match self.tree.definitions.get_mut(&name) {
            None => {
                self.tree.definitions.insert(name, definition);
            }
            Some(earlier) if earlier.is_empty => *earlier = definition,
            Some(_) if is_empty => {}
            Some(_) => return Err(self.wrong(offset, "two templates of the same name")),
        }
        Ok(())
    }

    fn is_empty(&self, statements: &[StatementId]) -> bool {
        statements
            .iter()
            .all(|id| match self.tree.statements[*id].kind {
                StatementKind::Text { start, end } => {
                    unicode::trim(&self.source.as_bytes()[start..end]).is_empty()
                }
                _ => false,
            })
    }

    fn template_name(&mut self) -> Result<Text> {
        let token = self.next_word();
        match token.kind {
            Kind::Quoted | Kind::RawQuoted => self.unquoted(token),
            _ => Err(self.unexpected(token, "the name of a template has to be a text in quotes")),
        }
    }

    fn unquoted(&self, token: Token) -> Result<Text> {
        quoted::unquote(self.text(token))
            .map(Text::from)
            .map_err(|wrong| self.wrong(token.start, wrong))
    }

    fn push(&mut self, kind: OpenKind, offset: usize) {
        self.open.push(Open {
            kind,
            offset,
            statements: Vec::new(),
            before_else: None,
            continues: false,
            variables: 1,
        });
    }

    fn statement(&mut self, offset: usize, kind: StatementKind) {
        let id = self.tree.statements.len();
        self.tree.statements.push(Statement { offset, kind });
        if let Some(open) = self.open.last_mut() {
            open.statements.push(id);
        }
    }

    fn body(&mut self, statements: Vec<StatementId>) -> BodyId {
        self.tree.bodies.push(statements);
        self.tree.bodies.len() - 1
    }

    /// The number of a variable's name, new or not.
    fn name(&mut self, name: &'a str) -> Name {
        let next = self.names.len();
        *self.names.entry(name).or_insert(next)
    }

    fn text(&self, token: Token) -> &'a str {
        &self.source[token.start..token.end]
    }

    /// The next word, spaces too. After the last one it comes again and again.
    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn peek(&self) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[self.at.min(last)]
    }

    /// The next word that is not a space.
    fn next_word(&mut self) -> Token {
        let token = self.peek_word();
        self.at += 1;
        token
    }

    /// Skips spaces.
    fn peek_word(&mut self) -> Token {
        while self.peek().kind == Kind::Space {
            self.at += 1;
        }
        self.peek()
    }

    fn expect(&mut self, kind: Kind, wrong: &'static str) -> Result<Token> {
        let token = self.next_word();
        if token.kind != kind {
            return Err(self.unexpected(token, wrong));
        }
        Ok(token)
    }

    fn unexpected(&self, token: Token, what: &'static str) -> Wrong {
        match token.kind {
            Kind::Wrong(why) => self.wrong(token.start, why),
            Kind::EndOfTemplate => self.wrong(token.start, "the template ends too early"),
            _ => self.wrong(token.start, what),
        }
    }

    #[expect(clippy::unused_self, reason = "read as the others are")]
    fn wrong(&self, offset: usize, what: &'static str) -> Wrong {
        Wrong {
            offset,
            function: None,
            problem: Problem::Syntax(what),
        }
    }
}
