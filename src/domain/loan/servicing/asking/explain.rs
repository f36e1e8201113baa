//! Where an amount of a loan's state comes from.
//!
//! An amount is named by its path in the state: `lines[2].paid.interest`, `outstanding.principal`,
//! `transactions[4].portions.fee`, `charges[0].paid`, `overpaid`, `journal[7].debit`; places count
//! from zero, as in JSON. The answer is a list of parts whose sum is the amount, each with the
//! operation, transaction, charge or formula it comes from.

use std::str::FromStr;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use super::super::state::amounts::{Amounts, Component};
use super::super::state::charge::Charge;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Allocation, Transaction, TransactionKind};
use crate::domain::decimal::{add, sub};
use crate::domain::loan::terms::Problem;

/// An amount and what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The path of the amount in the state.
    pub path: String,
    /// The amount, in currency units.
    pub amount: Decimal,
    /// What it is made of; the parts sum to it.
    pub parts: Vec<Part>,
}

/// One part of an amount.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Part {
    /// How much of the amount, negative for what lowers it.
    pub amount: Decimal,
    /// What it is, in words.
    pub what: String,
    /// The day from which it counts.
    pub on: Option<NaiveDate>,
    /// The operation it came of: its place among everything recorded.
    pub operation: Option<u32>,
    /// The transaction it is in.
    pub transaction: Option<u32>,
    /// The line it is in.
    pub line: Option<u32>,
    /// The path of the amount that explains it further.
    pub path: Option<String>,
}

impl Part {
    fn new(amount: Decimal, what: impl Into<String>) -> Self {
        Self { amount, what: what.into(), ..Self::default() }
    }

    fn at(self, path: String) -> Self {
        Self { path: Some(path), ..self }
    }

    fn of_transaction(amount: Decimal, one: &Transaction) -> Self {
        Self {
            amount,
            what: name(&one.kind),
            on: Some(one.on),
            operation: Some(one.sequence),
            transaction: Some(one.id),
            ..Self::default()
        }
    }
}

/// What is asked of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Charged,
    Paid,
    Waived,
    WrittenOff,
    Outstanding,
}

const COLUMNS: [(&str, Column); 5] = [
    ("charged", Column::Charged),
    ("paid", Column::Paid),
    ("waived", Column::Waived),
    ("written_off", Column::WrittenOff),
    ("outstanding", Column::Outstanding),
];
const COMPONENTS: [(&str, Component); 4] = [
    ("principal", Component::Principal),
    ("interest", Component::Interest),
    ("fee", Component::Fee),
    ("penalty", Component::Penalty),
];

impl Loan {
    /// What an amount of the state is made of.
    ///
    /// # Errors
    /// [`ServicingError::Unreadable`] for a path of no amount.
    pub fn explain(&self, path: &str) -> Result<Explanation, ServicingError> {
        let asked = Asked::parse(path).ok_or_else(|| no_amount(path))?;
        let (amount, mut parts) = match asked {
            Asked::Line(at, column, component) => {
                let line = self.lines.get(at).ok_or_else(|| no_amount(path))?;
                self.explain_line(at, line, column, component)?
            }
            Asked::Outstanding(component) => self.explain_outstanding(component)?,
            Asked::Transaction(at, member) => {
                let one = self.transactions.get(at).ok_or_else(|| no_amount(path))?;
                self.explain_transaction(at, one, member)?
            }
            Asked::Charge(at, member) => {
                let charge = self.charges.get(at).ok_or_else(|| no_amount(path))?;
                self.explain_charge(charge, member)?
            }
            Asked::Journal(at, debit) => {
                let one = self.journal.get(at).ok_or_else(|| no_amount(path))?;
                let amount = if debit { one.debit } else { one.credit };
                (
                    amount,
                    self.made(one.transaction)
                        .map(|of| Part::of_transaction(amount, of))
                        .into_iter()
                        .collect(),
                )
            }
            Asked::Overpaid => (self.overpaid, self.held_parts()?),
        };
        self.account_for(amount, &mut parts, &asked)?;
        parts.retain(|part| !part.amount.is_zero());
        Ok(Explanation { path: path.trim().into(), amount, parts })
    }

    /// The paths of all amounts that are not zero and can be explained.
    ///
    /// # Errors
    /// [`ServicingError::Arithmetic`].
    pub fn explainable(&self) -> Result<Vec<String>, ServicingError> {
        let mut paths = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            for (column_name, column) in COLUMNS {
                let amounts = column_of(line, column)?;
                list(&mut paths, &format!("lines[{at}].{column_name}."), &amounts);
            }
        }
        list(&mut paths, "outstanding.", &self.outstanding()?);
        for (at, one) in self.transactions.iter().enumerate() {
            paths.push(format!("transactions[{at}].amount"));
            list(&mut paths, &format!("transactions[{at}].portions."), &one.portions);
        }
        for (at, charge) in self.charges.iter().enumerate() {
            paths.push(format!("charges[{at}].amount"));
            if !charge.paid.is_zero() {
                paths.push(format!("charges[{at}].paid"));
            }
        }
        for (at, one) in self.journal.iter().enumerate() {
            let side = if one.debit.is_zero() { "credit" } else { "debit" };
            paths.push(format!("journal[{at}].{side}"));
        }
        if !self.overpaid.is_zero() {
            paths.push("overpaid".into());
        }
        Ok(paths)
    }

    /// Adds what the parts do not sum to, so that no amount is left without a word.
    fn account_for(
        &self,
        amount: Decimal,
        parts: &mut Vec<Part>,
        asked: &Asked,
    ) -> Result<(), ServicingError> {
        let sum = parts.iter().try_fold(Decimal::ZERO, |sum, part| add(sum, part.amount))?;
        let rest = sub(amount, sum)?;
        if !rest.is_zero() {
            let smallest = Decimal::new(1, self.terms.schedule.rounding.minor_units);
            let what = match asked {
                Asked::Line(_, Column::Charged, _) if rest.abs() < smallest => "rounding",
                Asked::Line(_, Column::Charged, Component::Interest) => {
                    "interest carried between periods, and rounding"
                }
                Asked::Line(_, Column::Charged, _) => "as scheduled",
                Asked::Transaction(_, Member::Amount) => "more than was owed",
                Asked::Transaction(_, Member::Portion(_)) => "no line that is there now",
                _ => "the rest",
            };
            parts.push(Part::new(rest, what));
        }
        Ok(())
    }

    fn explain_line(
        &self,
        at: usize,
        line: &Line,
        column: Column,
        component: Component,
    ) -> Result<(Decimal, Vec<Part>), ServicingError> {
        let amount = column_of(line, column)?[component];
        let parts = match (column, component) {
            (Column::Outstanding, _) => {
                let path = |name: &str| format!("lines[{at}].{name}.{}", name_of(component));
                let minus = |amount: Decimal| sub(Decimal::ZERO, amount);
                vec![
                    Part::new(line.charged[component], "charged").at(path("charged")),
                    Part::new(minus(line.paid[component])?, "paid").at(path("paid")),
                    Part::new(minus(line.waived[component])?, "waived").at(path("waived")),
                    Part::new(minus(line.written_off[component])?, "written off")
                        .at(path("written_off")),
                ]
            }
            (Column::Charged, Component::Interest) => self.explain_interest(line)?,
            (Column::Charged, Component::Principal) => self.explain_principal(at, line)?,
            (Column::Charged, Component::Fee | Component::Penalty) => {
                self.charges_in(line, component)
            }
            (Column::Paid | Column::Waived | Column::WrittenOff, _) => {
                self.allocated_to(line, column, component)
            }
        };
        Ok((amount, parts))
    }

    /// Interest by the stretches of the period over which the balance is constant.
    fn explain_interest(&self, line: &Line) -> Result<Vec<Part>, ServicingError> {
        let mut parts = Vec::new();
        if !line.credited.interest.is_zero() {
            parts.push(Part::new(line.credited.interest, "charged back"));
        }
        let Some((model, period)) = self.period_of(line)? else { return Ok(parts) };
        for segment in model.segments(period)? {
            parts.push(Part {
                on: Some(segment.from),
                line: Some(line.number),
                ..Part::new(
                    segment.interest.normalize(),
                    format!(
                        "interest on {} from {} to {}, before rounding",
                        segment.balance, segment.from, segment.until
                    ),
                )
            });
        }
        Ok(parts)
    }

    /// Principal is what of the instalment its interest leaves.
    fn explain_principal(&self, at: usize, line: &Line) -> Result<Vec<Part>, ServicingError> {
        let Some((model, period)) = self.period_of(line)? else { return Ok(Vec::new()) };
        let state = model.period(period)?;
        let interest = sub(line.charged.interest, line.credited.interest)?;
        Ok(vec![
            Part::new(state.instalment, "the instalment"),
            Part::new(sub(Decimal::ZERO, interest)?, "its interest")
                .at(format!("lines[{at}].charged.interest")),
            Part::new(line.credited.principal, "charged back"),
        ])
    }

    /// The calculator and the period a line shows, for loans that have one.
    fn period_of(
        &self,
        line: &Line,
    ) -> Result<Option<(&crate::domain::loan::ProgressiveModel, usize)>, ServicingError> {
        let Some(model) = &self.model else { return Ok(None) };
        if !line.is_modelled() || !self.bears_interest() {
            return Ok(None);
        }
        for period in 0..model.period_count() {
            if model.period(period)?.due == line.due_date {
                return Ok(Some((model, period)));
            }
        }
        Ok(None)
    }

    /// The charges that are in a line.
    fn charges_in(&self, line: &Line, component: Component) -> Vec<Part> {
        let mut parts = Vec::new();
        for (at, charge) in self.charges.iter().enumerate() {
            if !charge.active || charge.component() != component {
                continue;
            }
            for share in charge.shares.iter().filter(|share| share.due_date == line.due_date) {
                parts.push(Part {
                    on: charge.due_on,
                    operation: (charge.sequence > 0).then_some(charge.sequence),
                    line: Some(line.number),
                    path: Some(format!("charges[{at}].amount")),
                    ..Part::new(share.amount, charge.name.clone())
                });
            }
        }
        parts
    }

    /// What standing transactions allocated to a line.
    fn allocated_to(&self, line: &Line, column: Column, component: Component) -> Vec<Part> {
        let mut parts = Vec::new();
        for one in self.transactions.iter().filter(|one| one.stands()) {
            if column_for(one.kind) != Some(column) {
                continue;
            }
            for part in &one.allocations {
                let forgiven = self.forgiven_line(one);
                let now = forgiven.or_else(|| self.line_of(part, component));
                let now = now.map(|now| now.number);
                if now == Some(line.number) {
                    let amount = part.amounts[component];
                    parts.push(Part {
                        line: Some(line.number),
                        ..Part::of_transaction(amount, one)
                    });
                }
            }
        }
        parts
    }

    /// The line in which a waiver forgives a charge.
    fn forgiven_line(&self, one: &Transaction) -> Option<&Line> {
        let part = one.charges.first().filter(|_| one.kind == TransactionKind::ChargeWaiver)?;
        let charge =
            self.charges.iter().find(|charge| charge.active && charge.id == part.charge)?;
        self.line_due_on(self.forgiven_in(charge, one)?)
    }

    /// The line that an allocation is in now. The line after the last instalment falls due later
    /// with every charge in it, and where everything falls due at once the last lines take over
    /// those after them.
    fn line_of(&self, part: &Allocation, component: Component) -> Option<&Line> {
        let mut then = self.lines.iter().filter(|line| line.due_date == part.due_date);
        let found = match (then.next(), then.next()) {
            (Some(only), None) => return Some(only),
            (Some(_), Some(_)) => true,
            (None, _) => false,
        };
        let mut numbered = self.lines.iter().filter(|line| line.number == part.line);
        if found {
            return numbered.next();
        }
        let moved =
            |line: &&Line| line.kind == LineKind::Additional && !line.charged[component].is_zero();
        let takes_over = |line: &&Line| match component {
            Component::Principal | Component::Interest => line.kind != LineKind::Additional,
            Component::Fee | Component::Penalty => true,
        };
        // A line of interest on what is past due after the end grows with the days.
        let grows = |line: &&Line| {
            line.is_modelled() && line.period_start < part.due_date && part.due_date < line.due_date
        };
        let grown = self.lines.iter().find(grows);
        let grown = grown.filter(|_| self.is_recast(&self.terms.schedule));
        let found = grown.or_else(|| numbered.find(moved));
        found.or_else(|| self.lines.iter().rfind(takes_over))
    }

    fn explain_outstanding(
        &self,
        component: Option<Component>,
    ) -> Result<(Decimal, Vec<Part>), ServicingError> {
        let mut parts = Vec::new();
        let all = self.outstanding()?;
        let Some(component) = component else {
            for (name, component) in COMPONENTS {
                parts.push(Part::new(all[component], name).at(format!("outstanding.{name}")));
            }
            return Ok((all.total()?, parts));
        };
        for (at, line) in self.lines.iter().enumerate() {
            parts.push(Part {
                on: Some(line.due_date),
                line: Some(line.number),
                path: Some(format!("lines[{at}].outstanding.{}", name_of(component))),
                ..Part::new(line.outstanding_of(component)?, format!("line {}", line.number))
            });
        }
        Ok((all[component], parts))
    }

    fn explain_transaction(
        &self,
        at: usize,
        one: &Transaction,
        member: Member,
    ) -> Result<(Decimal, Vec<Part>), ServicingError> {
        let from = |amount| Part::of_transaction(amount, one);
        Ok(match member {
            Member::Amount if one.portions.is_zero() => (one.amount, vec![from(one.amount)]),
            Member::Amount => {
                let portion = |(name, component): (&str, Component)| Part {
                    what: name.into(),
                    path: Some(format!("transactions[{at}].portions.{name}")),
                    ..from(one.portions[component])
                };
                let mut parts: Vec<Part> = COMPONENTS.into_iter().map(portion).collect();
                // A chargeback of money that was held names it by what it had paid, too.
                if one.portions.total()? != one.amount {
                    parts.push(Part { what: "overpaid".into(), ..from(one.overpaid) });
                }
                (one.amount, parts)
            }
            Member::Portion(component) => {
                let parts = one.allocations.iter().map(|part| Part {
                    line: Some(part.line),
                    what: format!("line {} due on {}", part.line, part.due_date),
                    ..from(part.amounts[component])
                });
                (one.portions[component], parts.collect())
            }
            Member::Overpaid | Member::Paid => (one.overpaid, vec![from(one.overpaid)]),
        })
    }

    fn explain_charge(
        &self,
        charge: &Charge,
        member: Member,
    ) -> Result<(Decimal, Vec<Part>), ServicingError> {
        if member != Member::Paid {
            let what = format!("{}: {} by {}", charge.name, name(&charge.basis), charge.value);
            let made = Part {
                on: charge.due_on,
                operation: (charge.sequence > 0).then_some(charge.sequence),
                ..Part::new(charge.amount, what)
            };
            return Ok((charge.amount, vec![made]));
        }
        let mut parts = Vec::new();
        let pays = |one: &&Transaction| {
            one.stands() && !one.kind.is_recognition() && one.kind != TransactionKind::ChargeWaiver
        };
        for one in self.transactions.iter().filter(pays) {
            for part in one.charges.iter().filter(|part| part.charge == charge.id) {
                parts
                    .push(Part { line: Some(part.line), ..Part::of_transaction(part.amount, one) });
            }
        }
        Ok((charge.paid, parts))
    }

    /// Payments hold money; what takes it out of what is held lowers it.
    fn held_parts(&self) -> Result<Vec<Part>, ServicingError> {
        let mut parts = Vec::new();
        for one in self.transactions.iter().filter(|one| one.stands()) {
            let amount = match one.kind {
                kind if kind.is_payment() => one.overpaid,
                // What was held pays interest of the period, too, beyond what was lent.
                kind if self.uses_all_held(kind) => {
                    let used = one
                        .allocations
                        .iter()
                        .try_fold(Amounts::ZERO, |sum, part| sum.plus(&part.amounts))?;
                    sub(Decimal::ZERO, used.total()?)?
                }
                _ => sub(Decimal::ZERO, one.overpaid)?,
            };
            parts.push(Part::of_transaction(amount, one));
        }
        Ok(parts)
    }
}

impl Loan {
    /// Whether a kind of transaction lets held money pay whatever it makes owed.
    fn uses_all_held(&self, kind: TransactionKind) -> bool {
        let in_order = !self.terms.servicing.allocation.chargeback.is_empty();
        match kind {
            TransactionKind::Disbursement | TransactionKind::CapitalisedIncome => true,
            TransactionKind::Chargeback => self.follows_payments() || in_order,
            _ => false,
        }
    }
}

/// The column of a line that a kind of transaction fills.
fn column_for(kind: TransactionKind) -> Option<Column> {
    use TransactionKind::{ChargeWaiver, InterestWaiver, WriteOff};
    match kind {
        ChargeWaiver | InterestWaiver => Some(Column::Waived),
        WriteOff => Some(Column::WrittenOff),
        kind if kind.is_recognition() => None,
        _ => Some(Column::Paid),
    }
}

fn column_of(line: &Line, column: Column) -> Result<Amounts, ServicingError> {
    Ok(match column {
        Column::Charged => line.charged,
        Column::Paid => line.paid,
        Column::Waived => *line.waived,
        Column::WrittenOff => *line.written_off,
        Column::Outstanding => line.outstanding()?,
    })
}

/// Adds the paths of what is not zero.
fn list(paths: &mut Vec<String>, prefix: &str, amounts: &Amounts) {
    for (name, component) in COMPONENTS {
        if !amounts[component].is_zero() {
            paths.push(format!("{prefix}{name}"));
        }
    }
}

fn name_of(component: Component) -> &'static str {
    COMPONENTS.iter().find(|(_, one)| *one == component).map_or("", |(name, _)| name)
}

/// The name of a value in the JSON form, in words.
fn name(value: &impl Serialize) -> String {
    let name = serde_json::to_value(value).ok();
    name.as_ref().and_then(|name| name.as_str()).unwrap_or("").replace('_', " ")
}

fn no_amount(path: &str) -> ServicingError {
    let shown: String = path.chars().take(80).collect();
    ServicingError::Unreadable(Problem {
        path: shown,
        message: "not the path of an amount, such as lines[0].paid.interest".into(),
    })
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Line(usize, Column, Component),
    Outstanding(Option<Component>),
    Transaction(usize, Member),
    Charge(usize, Member),
    Journal(usize, bool),
    Overpaid,
}

/// What of a transaction or a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Amount,
    Portion(Component),
    Overpaid,
    Paid,
}

impl Asked {
    fn parse(path: &str) -> Option<Self> {
        let steps: Vec<&str> = path.trim().split('.').collect();
        let component = |name: &str| by_name(&COMPONENTS, name);
        Some(match steps.as_slice() {
            ["overpaid"] => Self::Overpaid,
            ["outstanding"] => Self::Outstanding(None),
            ["outstanding", name] => Self::Outstanding(Some(component(name)?)),
            [line, column, name] if line.starts_with("lines[") => {
                Self::Line(place(line, "lines")?, by_name(&COLUMNS, column)?, component(name)?)
            }
            [of, "portions", name] => {
                Self::Transaction(place(of, "transactions")?, Member::Portion(component(name)?))
            }
            [of, "overpaid"] => Self::Transaction(place(of, "transactions")?, Member::Overpaid),
            [of, "paid"] => Self::Charge(place(of, "charges")?, Member::Paid),
            [of, "amount"] if of.starts_with("charges[") => {
                Self::Charge(place(of, "charges")?, Member::Amount)
            }
            [of, "amount"] => Self::Transaction(place(of, "transactions")?, Member::Amount),
            [of, "debit"] => Self::Journal(place(of, "journal")?, true),
            [of, "credit"] => Self::Journal(place(of, "journal")?, false),
            _ => return None,
        })
    }
}

fn by_name<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// The number in brackets after a name.
fn place(step: &str, name: &str) -> Option<usize> {
    let number = step.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
    usize::from_str(number).ok()
}
