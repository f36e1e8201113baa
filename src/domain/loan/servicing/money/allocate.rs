//! How an amount is divided among what is owed.
//!
//! The order of payment is a list of targets: components of instalments past due, due, or not yet
//! due. Walked horizontally, the targets of one standing are served instalment by instalment;
//! walked vertically, each target is served over all its instalments before the next one.

use std::cmp::Ordering;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::{Amounts, Component};
use super::super::state::line::Line;
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Allocation, Transaction, TransactionKind};
use super::super::terms::{AllocationRule, FutureRule, Target, Walk, When};
use crate::domain::decimal::{add, div, sub};

impl Loan {
    /// The order in which a kind of transaction pays.
    pub(crate) fn rule_for(&self, kind: TransactionKind) -> AllocationRule {
        let terms = &self.terms.servicing.allocation;
        let own = terms.by_transaction.iter().find(|one| one.transaction == kind);
        own.map_or_else(|| terms.default.clone(), |one| one.rule.clone())
    }

    /// Pays with a transaction what is owed; what nothing is owed for is held.
    pub(crate) fn pay(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        let rule = self.rule_for(one.kind);
        let left = self.allocate(one, one.amount, &rule)?;
        if left > Decimal::ZERO {
            self.overpaid = add(self.overpaid, left)?;
            one.overpaid = left;
        }
        self.stop_carrying(one.on)?;
        self.stop_bearing(one.on)
    }

    /// Divides an amount among what is owed and returns what is left of it.
    pub(crate) fn allocate(
        &mut self,
        one: &mut Transaction,
        amount: Decimal,
        rule: &AllocationRule,
    ) -> Result<Decimal, ServicingError> {
        let mut left = amount;
        // Principal paid ahead of time changes what interest is due, so that something may be owed
        // again where a walk has been already.
        loop {
            let before = left;
            left = self.walk(one, left, rule)?;
            if left <= Decimal::ZERO || self.lines.iter().all(Line::is_settled) {
                return Ok(left);
            }
            if left == before {
                left = self.repay_shown(one, left, rule)?;
                if left == before {
                    return Ok(left);
                }
            }
        }
    }

    /// Repays principal that lines show and a walk does not ask for: what an instalment asks for if
    /// it is paid on a day may leave a little to others that were passed already.
    fn repay_shown(
        &mut self,
        one: &mut Transaction,
        amount: Decimal,
        rule: &AllocationRule,
    ) -> Result<Decimal, ServicingError> {
        let mut left = amount;
        for at in 0..self.lines.len() {
            let Some(line) = self.lines.get(at).filter(|line| !line.is_settled()) else {
                continue;
            };
            let when = match line.due_date.cmp(&one.on) {
                Ordering::Less => When::PastDue,
                Ordering::Equal => When::Due,
                Ordering::Greater => When::InAdvance,
            };
            let target = Target { when, component: Component::Principal };
            if rule.order.contains(&target) {
                let paid = self.take(one, left, at, target.component)?;
                let on = self.counts_on(at, one.on, target);
                self.tell_model(at, target.component, paid, on, one.on)?;
                left = sub(left, paid)?;
            }
        }
        Ok(left)
    }

    /// Walks once over what is owed, in the order of the rule, and returns what is left.
    fn walk(
        &mut self,
        one: &mut Transaction,
        amount: Decimal,
        rule: &AllocationRule,
    ) -> Result<Decimal, ServicingError> {
        let mut left = amount;
        match self.terms.servicing.allocation.walk {
            Walk::Horizontal => {
                for (when, components) in groups(&rule.order) {
                    left = self.serve_lines(one, left, when, &components, rule)?;
                }
            }
            Walk::Vertical => {
                for &target in &rule.order {
                    left = self.serve_component(one, left, target, rule.future)?;
                }
            }
        }
        Ok(left)
    }

    /// Serves the instalments of one standing one after the other.
    fn serve_lines(
        &mut self,
        one: &mut Transaction,
        amount: Decimal,
        when: When,
        components: &[Component],
        rule: &AllocationRule,
    ) -> Result<Decimal, ServicingError> {
        let mut left = amount;
        let mut passed: Vec<usize> = Vec::new();
        for _ in 0..self.lines.len().saturating_mul(100) {
            self.stop_carrying(one.on)?;
            if left <= Decimal::ZERO || self.lines.iter().all(Line::is_settled) {
                break;
            }
            let open = |line: &Line| !line.is_settled();
            let chosen = self.choose(one.on, when, rule.future, open, &passed);
            if chosen.is_empty() {
                break;
            }
            let before = left;
            if when == When::InAdvance && self.terms.servicing.allocation.charges_on_own_date {
                left = self.serve_due_charges(one, left, &chosen, rule)?;
            }
            for &component in components {
                left = self.serve(one, left, &chosen, Target { when, component })?;
            }
            if left == before {
                passed.extend(self.offered(left, &chosen)?);
            }
        }
        Ok(left)
    }

    /// Pays of instalments not yet due the charges that are, in the order of what is due.
    fn serve_due_charges(
        &mut self,
        one: &mut Transaction,
        amount: Decimal,
        chosen: &[usize],
        rule: &AllocationRule,
    ) -> Result<Decimal, ServicingError> {
        let mut left = amount;
        for target in rule.order.iter().filter(|target| target.when == When::Due) {
            for &at in chosen {
                let Some(line) = self.lines.get(at) else { continue };
                let due = self.charges_due(line.due_date, target.component, one.on)?;
                let paid = self.take(one, due.min(left), at, target.component)?;
                left = sub(left, paid)?;
            }
        }
        Ok(left)
    }

    /// Serves one target over all its instalments.
    fn serve_component(
        &mut self,
        one: &mut Transaction,
        amount: Decimal,
        target: Target,
        future: FutureRule,
    ) -> Result<Decimal, ServicingError> {
        let mut left = amount;
        let mut passed: Vec<usize> = Vec::new();
        for _ in 0..self.lines.len().saturating_mul(100) {
            self.stop_carrying(one.on)?;
            if left <= Decimal::ZERO {
                break;
            }
            // Of a settled line nothing is owed, though a charge-off may ask for more of one
            // component and less of another than was paid.
            let owes = |line: &Line| {
                !line.is_settled()
                    && line.outstanding_of(target.component).is_ok_and(|owed| owed > Decimal::ZERO)
            };
            let chosen = self.choose(one.on, target.when, future, owes, &passed);
            if chosen.is_empty() {
                break;
            }
            let before = left;
            left = self.serve(one, left, &chosen, target)?;
            if left == before {
                passed.extend(self.offered(left, &chosen)?);
            }
        }
        Ok(left)
    }

    /// The instalments of one standing that are served next, of those that are wanted. One that took
    /// nothing of what it was offered is passed over: its interest is not earned yet, or it asks for
    /// more only once others are paid.
    fn choose(
        &self,
        on: NaiveDate,
        when: When,
        future: FutureRule,
        wanted: impl Fn(&Line) -> bool,
        passed: &[usize],
    ) -> Vec<usize> {
        match when {
            When::InAdvance => self.future_lines(on, future, wanted, passed),
            _ => self.first_line(on, when, wanted, passed).into_iter().collect(),
        }
    }

    /// The first instalment of one standing that is wanted.
    fn first_line(
        &self,
        on: NaiveDate,
        when: When,
        wanted: impl Fn(&Line) -> bool,
        passed: &[usize],
    ) -> Option<usize> {
        let stands = |line: &Line| match when {
            When::PastDue => line.due_date < on,
            When::Due => line.due_date == on,
            When::InAdvance => line.due_date > on,
        };
        let found =
            |(at, line): &(usize, &Line)| stands(line) && wanted(line) && !passed.contains(at);
        self.lines.iter().enumerate().find(found).map(|(at, _)| at)
    }

    /// The instalments not yet due that are wanted, as the rule chooses them.
    fn future_lines(
        &self,
        on: NaiveDate,
        rule: FutureRule,
        wanted: impl Fn(&Line) -> bool,
        passed: &[usize],
    ) -> Vec<usize> {
        let follows = self.follows_payments();
        let future = || {
            let lines = self.lines.iter().enumerate();
            lines.filter(|(at, line)| line.due_date > on && !passed.contains(at))
        };
        let plain = || future().filter(|(_, line)| wanted(line));
        let at = |(at, _): (usize, &Line)| at;
        let last = || {
            // One that asks for nothing may do so if it is paid on the day.
            let asks =
                |(_, line): &(usize, &Line)| wanted(line) || (follows && line.charged.is_zero());
            future().filter(asks).last().map(at).into_iter().collect()
        };
        match rule {
            FutureRule::Next => plain().next().map(at).into_iter().collect(),
            FutureRule::Reamortise => plain().map(at).collect(),
            FutureRule::Last => last(),
            FutureRule::NextLast => {
                let current = |(_, line): &(usize, &Line)| {
                    on > line.period_start || (on == line.period_start && line.number == 1)
                };
                let found: Vec<usize> = plain().filter(current).map(at).collect();
                if found.is_empty() { last() } else { found }
            }
        }
    }

    /// Pays one component of the chosen instalments, evenly where they are several. Returns what
    /// is left.
    fn serve(
        &mut self,
        one: &mut Transaction,
        amount: Decimal,
        chosen: &[usize],
        target: Target,
    ) -> Result<Decimal, ServicingError> {
        let mut left = amount;
        let (mut part, rest) = self.even_parts(amount, chosen.len())?;
        for (index, &at) in chosen.iter().enumerate() {
            if index + 1 == chosen.len() {
                part = add(part, rest)?;
            }
            left = sub(left, self.serve_line(one, part, at, target)?)?;
        }
        Ok(left)
    }

    /// Those of the chosen instalments that are offered a part of an amount.
    fn offered(&self, amount: Decimal, chosen: &[usize]) -> Result<Vec<usize>, ServicingError> {
        let (part, rest) = self.even_parts(amount, chosen.len())?;
        let (last, first) = (add(part, rest)?, chosen.len().saturating_sub(1));
        let is_offered = |index| if index < first { part } else { last } > Decimal::ZERO;
        let offered = chosen.iter().enumerate().filter(|(index, _)| is_offered(*index));
        Ok(offered.map(|(_, at)| *at).collect())
    }

    /// An amount in equal parts of whole minor units, and what is left for the last one.
    pub(crate) fn even_parts(
        &self,
        amount: Decimal,
        count: usize,
    ) -> Result<(Decimal, Decimal), ServicingError> {
        if count <= 1 {
            return Ok((amount, Decimal::ZERO));
        }
        let parts = Decimal::from(count);
        let part = self.round(div(amount, parts)?)?;
        let rest = sub(amount, crate::domain::decimal::mul(part, parts)?)?;
        if add(part, rest)? >= Decimal::ZERO {
            return Ok((part, rest));
        }
        let units = self.terms.schedule.rounding.minor_units;
        let down = crate::domain::money::RoundingMode::Down;
        let part = crate::domain::decimal::round(div(amount, parts)?, units, down);
        Ok((part, sub(amount, crate::domain::decimal::mul(part, parts)?)?))
    }

    /// Pays one component of one instalment with at most an amount, and returns what it took.
    fn serve_line(
        &mut self,
        one: &mut Transaction,
        most: Decimal,
        at: usize,
        target: Target,
    ) -> Result<Decimal, ServicingError> {
        let paid_on = self.counts_on(at, one.on, target);
        if target.when == When::InAdvance && self.is_told_to_model(at) {
            let Some(due) = self.lines.get(at).map(|line| line.due_date) else {
                return Ok(Decimal::ZERO);
            };
            // Interest of the day's period that this instalment asks for counts to its end, too.
            let asks = self.terms.servicing.recalculation.counts_to_due_date()
                && target.component == Component::Interest;
            let model = self.model.as_ref().filter(|_| asks);
            let until = model.and_then(|model| model.put_off_until(due, one.on));
            self.show_due_amounts(at, until.unwrap_or(paid_on), target.component)?;
        }
        let paid = self.take(one, most, at, target.component)?;
        self.tell_model(at, target.component, paid, paid_on, one.on)?;
        Ok(paid)
    }

    /// Whether the calculator is told what is paid of a line.
    fn is_told_to_model(&self, at: usize) -> bool {
        let end = self.model.as_ref().map(crate::domain::loan::ProgressiveModel::end);
        let known = |line: &Line| line.is_modelled() && end.is_some_and(|end| line.due_date <= end);
        self.is_recalculated() && self.lines.get(at).is_some_and(known)
    }

    /// The day on which principal paid on another counts: its due date, where interest of the day's
    /// period counts to that.
    fn counts_on(&self, at: usize, on: NaiveDate, target: Target) -> NaiveDate {
        let counts = target.when == When::InAdvance
            && self.terms.servicing.recalculation.counts_to_due_date();
        let within = |line: &&Line| line.period_start < on && on <= line.due_date;
        let line = self.lines.get(at).filter(|_| counts).filter(within);
        line.map_or(on, |line| line.due_date)
    }

    /// Tells the calculator what was paid of a line, if it is to know.
    fn tell_model(
        &mut self,
        at: usize,
        component: Component,
        paid: Decimal,
        paid_on: NaiveDate,
        on: NaiveDate,
    ) -> Result<(), ServicingError> {
        if !self.is_told_to_model(at) {
            return Ok(());
        }
        let free = self.free_part(at, component, paid)?;
        let due = self.lines.get(at).map(|line| line.due_date);
        let Some((due, model)) = due.zip(self.model.as_mut()) else { return Ok(()) };
        match component {
            Component::Principal => model.pay_principal(due, paid_on, sub(paid, free)?)?,
            Component::Interest => model.pay_interest(due, paid)?,
            Component::Fee | Component::Penalty => return Ok(()),
        }
        self.follow_model(on)
    }

    /// The part of a payment just made that paid principal the calculator does not know.
    fn free_part(
        &self,
        at: usize,
        component: Component,
        paid: Decimal,
    ) -> Result<Decimal, ServicingError> {
        let Some((line, model)) = self.lines.get(at).zip(self.model.as_ref()) else {
            return Ok(Decimal::ZERO);
        };
        if component != Component::Principal || line.interest_free.is_zero() {
            return Ok(Decimal::ZERO);
        }
        let known = model.period_due_on(line.due_date)?.principal_paid;
        let before = sub(sub(line.paid.principal, paid)?, known)?;
        Ok(paid.min(sub(line.interest_free, before)?).max(Decimal::ZERO))
    }

    /// Shows of an instalment that is paid ahead of time what is due if it is paid on a day.
    fn show_due_amounts(
        &mut self,
        at: usize,
        on: NaiveDate,
        component: Component,
    ) -> Result<(), ServicingError> {
        let Some((line, model)) = self.lines.get_mut(at).zip(self.model.as_mut()) else {
            return Ok(());
        };
        model.touch(line.due_date);
        let due = model.due_amounts(line.due_date, on)?;
        match component {
            Component::Interest => line.charged.interest = due.interest,
            Component::Principal => {
                line.charged.principal = add(due.principal, line.interest_free)?;
            }
            Component::Fee | Component::Penalty => {}
        }
        Ok(())
    }

    /// Pays one component of one instalment with at most an amount, notes what was paid, and
    /// returns it.
    pub(crate) fn take(
        &mut self,
        one: &mut Transaction,
        most: Decimal,
        at: usize,
        component: Component,
    ) -> Result<Decimal, ServicingError> {
        let Some(line) = self.lines.get_mut(at) else { return Ok(Decimal::ZERO) };
        let paid = line.pay(component, most, one.on)?;
        let (number, due_date) = (line.number, line.due_date);
        if paid.is_zero() {
            return Ok(paid);
        }
        one.portions.add(component, paid)?;
        match one
            .allocations
            .iter_mut()
            .find(|part| part.due_date == due_date && part.line == number)
        {
            Some(part) => part.amounts.add(component, paid)?,
            None => one.allocations.push(Allocation {
                due_date,
                line: number,
                amounts: Amounts::of(component, paid),
            }),
        }
        if matches!(component, Component::Fee | Component::Penalty) {
            self.attribute_to_charges(one, paid, at, component)?;
        }
        Ok(paid)
    }
}

/// The targets by standing, in the order in which standings first appear.
pub(crate) fn groups(order: &[Target]) -> Vec<(When, Vec<Component>)> {
    let mut groups: Vec<(When, Vec<Component>)> = Vec::with_capacity(3);
    for target in order {
        match groups.iter_mut().find(|(when, _)| *when == target.when) {
            Some((_, components)) => components.push(target.component),
            None => groups.push((target.when, vec![target.component])),
        }
    }
    groups
}
