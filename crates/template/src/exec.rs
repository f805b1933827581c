//! Rendering. What is open is kept on a stack of its own, not on the machine's: templates may call each other as deeply as
//! the limits allow, and nest as deeply as they are long.

mod call;
mod evaluate;
mod items;

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use items::Items;

use crate::{
    Allowed,
    compare::COMPARED_A_STEP,
    error::{Error, Position, Problem},
    fmt,
    functions::Scope,
    heap::Heap,
    limits::{Limits, Meter},
    node::{BodyId, Branch, DOLLAR, Name, Pipeline, StatementId, StatementKind, Tree},
    parse::Parsed,
    text::{Growing, Text},
    value::{Entry, Value},
};

/// A problem and the byte where it is.
type Result<T> = std::result::Result<T, Box<Wrong>>;

pub(crate) struct Wrong {
    offset: usize,
    function: Option<&'static str>,
    problem: Problem,
}

/// Renders a template with values by their names.
pub(crate) fn render<'a>(
    source: &'a str,
    parsed: &'a Parsed,
    values: &BTreeMap<Text, Text>,
    limits: &mut Limits,
    allowed: Allowed<'a>,
) -> std::result::Result<Zeroizing<Vec<u8>>, Error> {
    let mut heap = Heap::default();
    let values = values
        .iter()
        .map(|(key, value)| (key.clone(), Value::Text(value.clone())));
    let dot = Value::Map(heap.map(Entry::Text, values.collect()));
    let mut machine = Machine {
        allowed,
        source,
        tree: &parsed.tree,
        meter: Meter::new(*limits),
        out: Growing::default(),
        variables: vec![(DOLLAR, dot.clone())],
        base: 0,
        calls: 0,
        frames: Vec::new(),
        entries: 0,
        heap,
    };
    let ended = machine.render(parsed.start, dot);
    limits.steps = machine.meter.remaining_steps();
    ended.map_err(|wrong| Error {
        position: Position::of(source, wrong.offset),
        function: wrong.function.map(str::to_owned),
        problem: wrong.problem,
    })?;
    limits.output = limits.output.saturating_sub(machine.out.len());
    Ok(std::mem::take(&mut machine.out).into_vec().into())
}

struct Machine<'a> {
    allowed: Allowed<'a>,
    source: &'a str,
    tree: &'a Tree,
    meter: Meter,
    out: Growing,
    variables: Vec<(Name, Value)>,
    /// The first variable of the template that runs.
    base: usize,
    /// How many templates have been called and not ended.
    calls: usize,
    frames: Vec<Frame<'a>>,
    /// How many entries of dictionaries wait for their turns.
    entries: usize,
    // Last, so that everything else that holds a list or a dictionary is gone when it is taken apart.
    heap: Heap,
}

/// What is open.
enum Frame<'a> {
    /// The statements of a body.
    Body {
        statements: &'a [StatementId],
        dot: Value,
    },
    /// An `if` or `with`: its variables end with it.
    Branch {
        variables: usize,
    },
    Range(Range<'a>),
    /// A template that was called: then those of its caller are seen again.
    Call {
        base: usize,
        variables: usize,
    },
}

struct Range<'a> {
    branch: &'a Branch,
    /// How many variables there were before.
    variables: usize,
    /// How many there are before each turn.
    inner: usize,
    items: Items,
}

impl<'a> Machine<'a> {
    fn render(&mut self, body: BodyId, dot: Value) -> Result<()> {
        self.open(body, dot, 0)?;
        while let Some(frame) = self.frames.last_mut() {
            match frame {
                Frame::Body { statements, dot } => {
                    if let Some((first, rest)) = statements.split_first() {
                        let dot = dot.clone();
                        *statements = rest;
                        self.statement(*first, dot)?;
                    } else {
                        self.frames.pop();
                    }
                }
                Frame::Branch { variables } => {
                    let variables = *variables;
                    self.variables.truncate(variables);
                    self.frames.pop();
                }
                Frame::Call { base, variables } => {
                    let (base, variables) = (*base, *variables);
                    self.variables.truncate(variables);
                    self.base = base;
                    self.calls -= 1;
                    self.frames.pop();
                }
                Frame::Range(_) => self.turn()?,
            }
        }
        Ok(())
    }

    fn open(&mut self, body: BodyId, dot: Value, offset: usize) -> Result<()> {
        let statements = &self.tree.bodies[body];
        self.frames.push(Frame::Body { statements, dot });
        self.check_open(offset)
    }

    /// What is open at the same time counts as memory, in the end twice, since it lies in what grows by doubling.
    fn check_open(&self, offset: usize) -> Result<()> {
        let frames = self.frames.len() * size_of::<Frame<'_>>();
        let variables = self.variables.len() * size_of::<(Name, Value)>();
        let entries = self.entries * size_of::<(Text, Value)>();
        if 2 * (frames + variables) + entries > self.meter.remaining_memory() {
            let limit = self.meter.limits().memory;
            return Err(wrong(offset, Problem::Memory(limit)));
        }
        Ok(())
    }

    fn statement(&mut self, id: StatementId, dot: Value) -> Result<()> {
        let statement = &self.tree.statements[id];
        let offset = statement.offset;
        self.steps(1, offset)?;
        match &statement.kind {
            StatementKind::Text { start, end } => {
                let source = self.source;
                self.write(&source.as_bytes()[*start..*end], offset)
            }
            StatementKind::Action(pipeline) => {
                let value = self.pipeline(&dot, pipeline)?;
                if pipeline.variables.is_empty() {
                    self.print(&value, pipeline.offset)?;
                }
                Ok(())
            }
            StatementKind::If(branch) => self.branch(branch, dot, false),
            StatementKind::With(branch) => self.branch(branch, dot, true),
            StatementKind::Range(branch) => self.range(branch, dot),
            StatementKind::Template { name, argument } => {
                self.template(name, argument.as_ref(), &dot, offset)
            }
            StatementKind::Break => {
                self.leave_turn(true);
                Ok(())
            }
            StatementKind::Continue => {
                self.leave_turn(false);
                Ok(())
            }
        }
    }

    fn branch(&mut self, branch: &'a Branch, dot: Value, changes_dot: bool) -> Result<()> {
        let variables = self.variables.len();
        let value = self.pipeline(&dot, &branch.pipeline)?;
        self.frames.push(Frame::Branch { variables });
        let offset = branch.pipeline.offset;
        if value.truth() {
            let dot = if changes_dot { value } else { dot };
            return self.open(branch.body, dot, offset);
        }
        match branch.otherwise {
            Some(otherwise) => self.open(otherwise, dot, offset),
            None => Ok(()),
        }
    }

    fn range(&mut self, branch: &'a Branch, dot: Value) -> Result<()> {
        let variables = self.variables.len();
        let value = self.pipeline(&dot, &branch.pipeline)?;
        let offset = branch.pipeline.offset;
        let items = Items::of(&value).map_err(|what| evaluation(offset, what))?;
        if items.is_number() && branch.pipeline.variables.len() > 1 {
            let what = "range over a number has only one variable";
            return Err(evaluation(offset, what));
        }
        if items.is_empty() {
            self.frames.push(Frame::Branch { variables });
            return match branch.otherwise {
                Some(otherwise) => self.open(otherwise, dot, offset),
                None => Ok(()),
            };
        }
        self.entries += items.entries();
        self.steps(items.entries(), offset)?;
        self.check_open(offset)?;
        let inner = self.variables.len();
        self.frames.push(Frame::Range(Range {
            branch,
            variables,
            inner,
            items,
        }));
        Ok(())
    }

    /// The next turn of the innermost `range`, which is at the top of the stack.
    fn turn(&mut self) -> Result<()> {
        let Some(Frame::Range(range)) = self.frames.last_mut() else {
            return Ok(());
        };
        let branch = range.branch;
        self.variables.truncate(range.inner);
        let Some((index, element)) = range.items.next() else {
            self.close_range();
            return Ok(());
        };
        let offset = branch.pipeline.offset;
        self.steps(1, offset)?;
        match (
            branch.pipeline.variables.as_slice(),
            branch.pipeline.assigns,
        ) {
            ([], _) => {}
            ([one], true) => self.assign(*one, element.clone(), offset)?,
            ([first, second, ..], true) => {
                self.assign(*first, index, offset)?;
                self.assign(*second, element.clone(), offset)?;
            }
            (names, false) => {
                let top = self.variables.len();
                self.variables[top - 1].1 = element.clone();
                if names.len() > 1 {
                    self.variables[top - 2].1 = index;
                }
            }
        }
        self.open(branch.body, element, offset)
    }

    /// Closes the `range` at the top of the stack.
    fn close_range(&mut self) {
        if let Some(Frame::Range(range)) = self.frames.pop() {
            self.variables.truncate(range.variables);
            self.entries -= range.items.entries();
        }
    }

    /// Closes everything up to the innermost `range`, and with `whole` that too.
    fn leave_turn(&mut self, whole: bool) {
        while let Some(frame) = self.frames.last() {
            if matches!(frame, Frame::Range(_)) {
                if whole {
                    self.close_range();
                }
                return;
            }
            self.frames.pop();
        }
    }

    fn template(
        &mut self,
        name: &Text,
        argument: Option<&'a Pipeline>,
        dot: &Value,
        offset: usize,
    ) -> Result<()> {
        self.steps(name.len() / COMPARED_A_STEP, offset)?;
        let Some(definition) = self.tree.definitions.get(name) else {
            return Err(wrong(offset, Problem::UnknownTemplate));
        };
        let limit = self.meter.limits().calls;
        if self.calls == limit {
            let what = "calls of templates";
            return Err(wrong(offset, Problem::Depth { what, limit }));
        }
        let dot = match argument {
            Some(pipeline) => self.pipeline(dot, pipeline)?,
            None => Value::Missing,
        };
        self.frames.push(Frame::Call {
            base: self.base,
            variables: self.variables.len(),
        });
        self.calls += 1;
        self.base = self.variables.len();
        self.variables.push((DOLLAR, dot.clone()));
        self.open(definition.body, dot, offset)
    }

    fn print(&mut self, value: &Value, offset: usize) -> Result<()> {
        match value {
            Value::Missing => self.write(b"<no value>", offset),
            Value::Text(text) => self.write(text, offset),
            _ => {
                let shown = fmt::print(&mut self.scope(), std::slice::from_ref(value));
                let shown = Zeroizing::new(shown.map_err(|fault| wrong(offset, fault.into()))?);
                self.write(&shown, offset)
            }
        }
    }

    fn write(&mut self, bytes: &[u8], offset: usize) -> Result<()> {
        let limit = self.meter.limits().output;
        if bytes.len() > limit - self.out.len() {
            return Err(wrong(offset, Problem::Output(limit)));
        }
        self.out.extend(bytes);
        Ok(())
    }

    /// The place of the variable that was declared last with this name.
    fn place(&mut self, name: Name, offset: usize) -> Result<usize> {
        let visible = &self.variables[self.base..];
        let found = visible.iter().rposition(|(known, _)| *known == name);
        let looked_at = visible.len() - found.unwrap_or(0);
        let place = found.map(|found| self.base + found);
        self.steps(looked_at / 16, offset)?;
        place.ok_or_else(|| wrong(offset, Problem::UnknownVariable))
    }

    fn assign(&mut self, name: Name, value: Value, offset: usize) -> Result<()> {
        let place = self.place(name, offset)?;
        self.variables[place].1 = value;
        Ok(())
    }

    fn steps(&mut self, count: usize, offset: usize) -> Result<()> {
        self.meter
            .steps(count)
            .map_err(|problem| wrong(offset, problem))
    }

    fn scope(&mut self) -> Scope<'_> {
        Scope {
            meter: &mut self.meter,
            heap: &mut self.heap,
            random: match &mut self.allowed.random {
                Some(random) => Some(&mut **random),
                None => None,
            },
            now: self.allowed.now,
        }
    }
}

fn wrong(offset: usize, problem: Problem) -> Box<Wrong> {
    Box::new(Wrong {
        offset,
        function: None,
        problem,
    })
}

fn evaluation(offset: usize, what: &'static str) -> Box<Wrong> {
    wrong(offset, Problem::Evaluation(what))
}
