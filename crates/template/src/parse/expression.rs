//! What stands inside an action: pipelines, commands, operands.

use super::{Off, Parser, Result, UNEXPECTED, Wrong, number};
use crate::{
    error::Problem,
    functions::{self, Status},
    lex::{Kind, Token},
    node::{Command, DOLLAR, Operand, OperandKind, Pipeline},
    text::Text,
};

/// How deeply parentheses may be nested. Go takes more, but each takes a part of the stack.
pub(super) const PARENTHESES: usize = 100;

impl Parser<'_> {
    /// A pipeline, up to and with the word that ends it.
    pub(super) fn pipeline(&mut self, is_range: bool, end: Kind) -> Result<Pipeline> {
        let mut pipeline = Pipeline {
            offset: self.peek_word().start,
            variables: Vec::new(),
            assigns: false,
            commands: Vec::new(),
        };
        self.declarations(&mut pipeline, is_range)?;
        loop {
            let token = self.next_word();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::Character
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawQuoted
                | Kind::Quoted
                | Kind::Variable
                | Kind::LeftParenthesis => {
                    self.at -= 1;
                    let command = self.command()?;
                    pipeline.commands.push(command);
                }
                _ => return Err(self.unexpected(token, UNEXPECTED)),
            }
        }
        self.check(&pipeline)?;
        self.note_clocks(&pipeline);
        Ok(pipeline)
    }

    /// `$x :=`, `$x =`, and for `range` `$i, $x :=` too.
    fn declarations(&mut self, pipeline: &mut Pipeline, is_range: bool) -> Result<()> {
        loop {
            let variable = self.peek_word();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            let start = self.at;
            self.at += 1;
            let next = self.peek_word();
            let is_comma = next.kind == Kind::Sign && self.text(next) == ",";
            if !is_comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                // It is an operand.
                self.at = start;
                return Ok(());
            }
            self.at += 1;
            let name = self.name(self.text(variable));
            self.variables.push(name);
            self.dollar_changes |= name == DOLLAR;
            pipeline.variables.push(name);
            if !is_comma {
                pipeline.assigns = next.kind == Kind::Assign;
                return Ok(());
            }
            if !is_range || pipeline.variables.len() > 1 {
                return Err(self.wrong(next.start, "too many variables"));
            }
            let after = self.peek_word();
            if !matches!(
                after.kind,
                Kind::Variable | Kind::RightDelimiter | Kind::RightParenthesis
            ) {
                return Err(self.unexpected(after, "only a variable can follow the comma"));
            }
        }
    }

    fn check(&self, pipeline: &Pipeline) -> Result<()> {
        if pipeline.commands.is_empty() {
            return Err(self.wrong(pipeline.offset, "a value is missing"));
        }
        for command in &pipeline.commands[1..] {
            let first = &command.operands[0];
            if matches!(
                first.kind,
                OperandKind::Bool(_)
                    | OperandKind::Dot
                    | OperandKind::Nil
                    | OperandKind::Number(_)
                    | OperandKind::Text(_)
            ) {
                let what = "what follows a pipe has to be a function, a field or a variable";
                return Err(self.wrong(first.offset, what));
            }
        }
        Ok(())
    }

    /// Operands between spaces, up to a pipe, which is read, or to the end of the pipeline, which is not.
    fn command(&mut self) -> Result<Command> {
        let start = self.peek_word().start;
        let mut operands = Vec::new();
        loop {
            self.peek_word();
            if let Some(operand) = self.operand()? {
                operands.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelimiter | Kind::RightParenthesis => {
                    self.at -= 1;
                    break;
                }
                Kind::Pipe => break,
                _ => return Err(self.unexpected(token, UNEXPECTED)),
            }
        }
        if operands.is_empty() {
            return Err(self.wrong(start, "a command is missing"));
        }
        Ok(Command { operands })
    }

    /// A term and the fields after it, if what comes next is one.
    fn operand(&mut self) -> Result<Option<Operand>> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        let fields = self.fields();
        if fields.is_empty() {
            return Ok(Some(operand));
        }
        match &mut operand.kind {
            OperandKind::Field(names) | OperandKind::Variable(_, names) => names.extend(fields),
            OperandKind::Bool(_)
            | OperandKind::Text(_)
            | OperandKind::Number(_)
            | OperandKind::Nil
            | OperandKind::Dot => {
                return Err(self.wrong(first.start, "a field of something that has none"));
            }
            OperandKind::Function(_) | OperandKind::Pipeline(_) | OperandKind::Chain(..) => {
                operand = Operand {
                    offset: first.start,
                    kind: OperandKind::Chain(Box::new(operand), fields),
                };
            }
        }
        Ok(Some(operand))
    }

    fn fields(&mut self) -> Vec<Text> {
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            let token = self.next();
            fields.push(self.field(token));
        }
        fields
    }

    fn field(&self, token: Token) -> Text {
        Text::from(&self.text(token)[1..])
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let token = self.next_word();
        let text = self.text(token);
        let number = |number: std::result::Result<_, &'static str>| {
            number.map(OperandKind::Number).map_err(|wrong| Wrong {
                offset: token.start,
                function: None,
                problem: Problem::Syntax(wrong),
            })
        };
        let kind = match token.kind {
            Kind::Identifier => {
                let function = function(text, token.start)?;
                if let Status::Off(why) = function.status {
                    let offset = token.start;
                    self.off.push(Off {
                        function,
                        why,
                        offset,
                    });
                }
                OperandKind::Function(function)
            }
            Kind::Dot => OperandKind::Dot,
            Kind::Nil => OperandKind::Nil,
            Kind::Variable => {
                let name = self.name(text);
                if !self.variables.contains(name) {
                    return Err(Wrong {
                        offset: token.start,
                        function: None,
                        problem: Problem::UnknownVariable,
                    });
                }
                OperandKind::Variable(name, Vec::new())
            }
            Kind::Field => OperandKind::Field(vec![self.field(token)]),
            Kind::Bool => OperandKind::Bool(text == "true"),
            Kind::Character => number(number::character(text))?,
            Kind::Complex => number(number::complex(text))?,
            Kind::Number => number(number::number(text))?,
            Kind::LeftParenthesis => {
                if self.parentheses == PARENTHESES {
                    return Err(Wrong {
                        offset: token.start,
                        function: None,
                        problem: Problem::Depth {
                            what: "parentheses",
                            limit: PARENTHESES,
                        },
                    });
                }
                self.parentheses += 1;
                let pipeline = self.pipeline(false, Kind::RightParenthesis)?;
                self.parentheses -= 1;
                OperandKind::Pipeline(Box::new(pipeline))
            }
            Kind::Quoted | Kind::RawQuoted => OperandKind::Text(self.unquoted(token)?),
            _ => {
                self.at -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Operand {
            offset: token.start,
            kind,
        }))
    }
}

fn function(name: &str, offset: usize) -> Result<&'static functions::Function> {
    functions::find(name).ok_or_else(|| Wrong {
        offset,
        function: Some(name.to_owned()),
        problem: Problem::UnknownFunction,
    })
}
