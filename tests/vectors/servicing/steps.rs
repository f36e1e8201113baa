//! The steps of a case: what is done to the loan, in operations of ours.
//!
//! The day a step is recorded is the business date. A day is closed by [`Action::EndOfDay`] on the
//! day after. Once a loan took part in a close of business, the source closes every day in between
//! before anything else is done to it.

use chrono::{Days, NaiveDate};
use loan_engine::domain::loan::servicing::{
    Action, Charge, Loan, LoanStatus, Operation, PaymentKind, TransactionKind,
};
use rust_decimal::Decimal;
use serde_json::Value;

use super::charges::{self, Definition};
use super::terms::{Agreed, loan_terms};
use super::{Difference, Played, UNKNOWN, always, control, expect, transactions};
use crate::schedule::{date, frequency, list, number, optional, parse, percent, show, text, whole};

/// What a step comes to, or why it does not.
type Done = Result<(), String>;

/// What holds for all loans: switches, and changes of products. Scenarios of the source that
/// change something take it back at their end, so that each case starts afresh.
#[derive(Default)]
pub struct Settings {
    switches: Vec<(String, String)>,
    future_rules: Vec<(String, String, String)>,
    start_types: Vec<(String, String)>,
}

impl Settings {
    /// What a switch was last set to.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.switches.iter().rfind(|(one, _)| one == key).map(|(_, value)| value.as_str())
    }

    /// Puts the changes of a product into its description.
    pub fn change(&self, name: &str, product: &mut Value) {
        for (_, transaction, rule) in self.future_rules.iter().filter(|one| one.0 == name) {
            for one in product["paymentAllocation"].as_array_mut().into_iter().flatten() {
                if optional(one, "transactionType") == Some(transaction) {
                    one["futureInstallmentAllocationRule"] = rule.as_str().into();
                }
            }
        }
        for (_, start) in self.start_types.iter().filter(|one| one.0 == name) {
            product["repaymentStartDateType"] = start.as_str().into();
        }
    }
}

/// A case while it is played.
pub struct Player<'a> {
    products: &'a Value,
    settings: Settings,
    definitions: Vec<Definition>,
    /// Whether the case defined a charge of its own.
    redefined: bool,
    application: Value,
    /// What was done before approval, after which the loan is opened anew.
    before_approval: Vec<Operation>,
    /// Whether the loan is approved.
    pub approved: bool,
    /// The loan, once it is applied for.
    pub loan: Option<Loan>,
    /// The business date.
    pub today: NaiveDate,
    closed_to: Option<NaiveDate>,
    fraud: bool,
    step: usize,
    part: usize,
    last_payment: Option<u32>,
    /// All steps of the case.
    steps: &'a [Value],
    last_charge: Option<String>,
    last_waiver: Option<String>,
    last_re_age: Option<String>,
}

/// Plays a case and compares.
pub fn play<'a>(case: &'a Value, products: &'a Value) -> Played {
    let mut player = Player::new(products);
    player.steps = list(case, "steps").unwrap_or_default();
    let mut played = Played::default();
    for (step, value) in list(case, "steps").unwrap_or_default().iter().enumerate() {
        let operation = optional(value, "op").unwrap_or("nothing").to_owned();
        let expected = operation.starts_with("expect_");
        player.step = step;
        player.part = 0;
        let found = if expected {
            let differences = expect::compare(&player, value);
            played.expectations += 1;
            if differences.is_empty() {
                played.met += 1;
                control::try_columns(&player, value);
            }
            differences
        } else {
            player.take_and_look(value)
        };
        // After something nobody knows how to do, nothing says what must be found.
        let lost = !expected && found.iter().any(|what| what.starts_with(UNKNOWN));
        for what in found {
            played.differences.push(Difference { step, operation: operation.clone(), what });
        }
        if lost {
            break;
        }
    }
    played
}

impl<'a> Player<'a> {
    fn new(products: &'a Value) -> Self {
        Self {
            products,
            settings: Settings::default(),
            definitions: charges::DEFINITIONS.to_vec(),
            redefined: false,
            application: Value::Null,
            before_approval: Vec::new(),
            approved: false,
            loan: None,
            today: NaiveDate::MIN,
            closed_to: None,
            fraud: false,
            step: 0,
            part: 0,
            last_payment: None,
            steps: &[],
            last_charge: None,
            last_waiver: None,
            last_re_age: None,
        }
    }

    /// Does one step, and looks at what must hold after each. Says what does not.
    fn take_and_look(&mut self, step: &Value) -> Vec<String> {
        if let Err(why) = self.take(step) {
            return vec![format!("{why} {step}")];
        }
        let broken = self.loan.as_ref().map_or(Ok(Vec::new()), always::broken);
        broken.unwrap_or_else(|why| vec![why])
    }

    /// Does one step.
    fn take(&mut self, step: &Value) -> Done {
        match text(step, "op")? {
            "set_business_date" => {
                self.today = date(step, "date")?;
                return Ok(());
            }
            "config" => {
                self.settings.switches.push((owned(step, "key")?, owned(step, "value")?));
                return Ok(());
            }
            "set_future_installment_allocation" => {
                let product = owned(step, "product")?;
                let rule = (product, owned(step, "transaction_type")?, owned(step, "rule")?);
                self.settings.future_rules.push(rule);
                return Ok(());
            }
            "set_repayment_start_date_type" => {
                self.settings.start_types.push((owned(step, "product")?, owned(step, "value")?));
                return Ok(());
            }
            "update_charge_definition" => return self.redefine(step),
            "create_loan" => return self.apply_for(step),
            "close_of_business" => return self.close_days(),
            "job" => return self.run_job(text(step, "name")?),
            _ => {}
        }
        self.take_on_loan(step)
    }

    /// A step done to the loan itself.
    fn take_on_loan(&mut self, step: &Value) -> Done {
        match text(step, "op")? {
            "approve" => self.approve(step),
            "disburse" => {
                let amount = number(step, "amount")?;
                self.record(date(step, "date")?, Action::Disburse { amount }).map(|_| ())
            }
            "undo_disbursal" => self.record_today(Action::UndoDisbursement { all: true }),
            "undo_last_disbursal" => self.record_today(Action::UndoDisbursement { all: false }),
            "transaction" => self.transact(step),
            "undo_transaction" => self.undo_transaction(step),
            "chargeback" => self.charge_back(step),
            "add_charge" => self.add_charge(step),
            "waive_charge" => {
                let charge = self.charge_to_waive().ok_or("no charge to waive")?;
                self.last_waiver = Some(self.record(self.today, Action::WaiveCharge { charge })?);
                Ok(())
            }
            "undo_waive_charge" => {
                let of = self.last_waiver.clone().ok_or("no waiver to undo")?;
                self.record_today(reverse(of))
            }
            "charge_adjustment" => self.adjust_charge(step),
            "charge_off" => {
                let reason = optional(step, "reason").map(str::to_owned);
                // Products that name an account for a reason post by it, whatever the loan is
                // flagged as: fraud as loans that are flagged for it, other reasons as others.
                let fraud = match reason.as_deref() {
                    Some(reason) if self.names_account(reason) => reason == "FRAUD",
                    _ => self.fraud,
                };
                let action = Action::ChargeOff { reason, fraud };
                self.record(date(step, "date")?, action).map(|_| ())
            }
            "undo_charge_off" => self.record_today(Action::UndoChargeOff),
            "fraud_flag" => {
                self.fraud = step["value"].as_bool().unwrap_or_default();
                Ok(())
            }
            "write_off" => self.record(date(step, "date")?, Action::WriteOff).map(|_| ()),
            "reschedule" => self.reschedule(first_row(step)?),
            "re_age" => self.re_age(first_row(step)?),
            "undo_re_age" => {
                let of = self.last_re_age.clone().ok_or("no re-ageing to undo")?;
                self.record_today(reverse(of))
            }
            "re_amortize" => self.record_today(Action::ReAmortise),
            "interest_pause" => {
                let action = Action::PauseInterest { to: date(step, "end")? };
                self.record(date(step, "start")?, action).map(|_| ())
            }
            "delinquency_pause" if step["start"].is_string() && step["end"].is_string() => {
                let action = Action::PauseDelinquency { to: date(step, "end")? };
                self.record(date(step, "start")?, action).map(|_| ())
            }
            "capitalized_income" => {
                let action = Action::CapitaliseIncome { amount: number(step, "amount")? };
                self.record(date(step, "date")?, action).map(|_| ())
            }
            other => Err(format!("{UNKNOWN}operation {other}")),
        }
    }

    /// Whether the product names an account for charge-offs of a reason. The description of products
    /// does not hold the accounts, but what made each.
    fn names_account(&self, reason: &str) -> bool {
        let product = optional(&self.application, "product").map(|name| &self.products[name]);
        let made_by = product.and_then(|product| optional(product, "factory")).unwrap_or_default();
        if made_by.ends_with("ChargeOffReasonToExpenseAccountMappings") {
            return reason == "DELINQUENT";
        }
        made_by.ends_with("WithChargeOff") && ["FRAUD", "DELINQUENT", "OTHER"].contains(&reason)
    }

    fn loan(&self) -> Result<&Loan, String> {
        self.loan.as_ref().ok_or_else(|| "there is no loan".into())
    }

    /// Records an operation today and returns its name.
    fn record(&mut self, on: NaiveDate, action: Action) -> Result<String, String> {
        self.record_as_of(on, self.today, action)
    }

    fn record_today(&mut self, action: Action) -> Done {
        self.record(self.today, action).map(|_| ())
    }

    fn record_as_of(
        &mut self,
        on: NaiveDate,
        recorded_on: NaiveDate,
        action: Action,
    ) -> Result<String, String> {
        self.part += 1;
        let id = format!("{}.{}", self.step, self.part);
        let operation = Operation {
            on,
            recorded_on: Some(recorded_on),
            id: Some(id.clone()),
            currency: None,
            action,
        };
        if !self.approved {
            self.before_approval.push(operation.clone());
        }
        let loan = self.loan()?.clone();
        self.loan = Some(loan.apply(&operation).map_err(|error| refusal(&error))?);
        Ok(id)
    }

    fn apply_for(&mut self, step: &Value) -> Done {
        self.application = step["terms"].clone();
        let lent_on = date(&self.application, "submitted_on")?;
        self.open(number(&self.application, "principal")?, lent_on)?;
        // The source reads these columns only of loans whose charge it defines beforehand.
        let code = optional(&self.application, "charge_calculation_type");
        if let Some(code) = code.filter(|_| self.redefined) {
            let value = number(&self.application, "charge_amount_%")?;
            let action = self.definition(code)?.action(value, None);
            self.last_charge = Some(self.record(lent_on, action)?);
        }
        Ok(())
    }

    fn approve(&mut self, step: &Value) -> Done {
        self.approved = true;
        self.open(number(step, "amount")?, date(step, "expected_disbursement_date")?)?;
        for operation in std::mem::take(&mut self.before_approval) {
            let loan = self.loan()?.clone();
            self.loan = Some(loan.apply(&operation).map_err(|error| refusal(&error))?);
        }
        Ok(())
    }

    fn open(&mut self, amount: Decimal, lent_on: NaiveDate) -> Done {
        let agreed = Agreed { application: &self.application, amount, lent_on };
        let terms = loan_terms(&agreed, self.products, &self.settings)?;
        self.loan = Some(Loan::open(terms).map_err(|error| refusal(&error))?);
        Ok(())
    }

    /// Closes the days up to yesterday that were not closed, or yesterday alone where none was.
    fn close_days(&mut self) -> Done {
        let one = Days::new(1);
        let yesterday = self.today.checked_sub_days(one).ok_or("no day before")?;
        let mut day = match self.closed_to {
            Some(closed) => closed + one,
            None => yesterday,
        };
        let Some(loan) = &self.loan else { return Ok(()) };
        if !matches!(loan.status(), LoanStatus::Approved | LoanStatus::Active) {
            return Ok(());
        }
        while day <= yesterday {
            if self.loan()?.status() == LoanStatus::Active {
                self.record_as_of(day, day + one, Action::EndOfDay)?;
            }
            self.closed_to = Some(day);
            day = day + one;
        }
        Ok(())
    }

    /// Jobs of the source besides the close of business.
    fn run_job(&mut self, name: &str) -> Done {
        match name {
            "Increase Business Date by 1 day" => {
                self.today = self.today + Days::new(1);
                Ok(())
            }
            "Add Periodic Accrual Transactions" => self.record_today(Action::EndOfDay),
            // Notes of periods are made as a day ends, with what it earned.
            "Accrual Activity Posting" if self.closed_to.is_none() => {
                Err(format!("{UNKNOWN}job {name} before any day is closed"))
            }
            // What these do was done before, or is done by the one above.
            "Add Accrual Transactions"
            | "Add Accrual Transactions For Loans With Income Posted As Transactions"
            | "Recalculate Interest for Loans"
            | "Accrual Activity Posting" => Ok(()),
            other => Err(format!("{UNKNOWN}job {other}")),
        }
    }

    fn transact(&mut self, step: &Value) -> Done {
        let on = date(step, "date")?;
        let name = text(step, "type")?;
        if text(step, "amount")? == "PAYOFF" {
            return self.pay(on, Action::PayOff);
        }
        let amount = number(step, "amount")?;
        let kind = match name {
            "REPAYMENT" => PaymentKind::Repayment,
            "MERCHANT_ISSUED_REFUND" => PaymentKind::MerchantRefund,
            // The source has two steps of that name: one posts a payout that is returned, the other
            // gives money back. What is listed afterwards tells them apart.
            "REFUND_BY_CASH" if self.is_listed_later("Refund", on) => {
                return self.record(on, Action::Refund { amount, paid: true }).map(|_| ());
            }
            "PAYOUT_REFUND" | "REFUND_BY_CASH" => PaymentKind::PayoutRefund,
            "GOODWILL_CREDIT" => PaymentKind::GoodwillCredit,
            "INTEREST_PAYMENT_WAIVER" => PaymentKind::InterestPaymentWaiver,
            "CREDIT_BALANCE_REFUND" => {
                return self.record(on, Action::Refund { amount, paid: false }).map(|_| ());
            }
            other => return Err(format!("{UNKNOWN}transaction type {other}")),
        };
        self.pay(on, Action::Repay { amount, kind })
    }

    /// Whether a transaction of a name and a day is in a list of those after the step.
    fn is_listed_later(&self, name: &str, on: NaiveDate) -> bool {
        let day = on.to_string();
        let is_it = |row: &Value| row["type"] == name && row["date"] == day.as_str();
        self.steps.iter().skip(self.step).any(|one| {
            one["op"] == "expect_transactions"
                && one["transactions"].as_array().is_some_and(|rows| rows.iter().any(is_it))
        })
    }

    /// Takes a payment, which later steps call the last one.
    fn pay(&mut self, on: NaiveDate, action: Action) -> Done {
        self.record(on, action)?;
        self.last_payment = self.loan()?.operations().last().map(|one| one.sequence);
        Ok(())
    }

    fn undo_transaction(&mut self, step: &Value) -> Done {
        let name = text(step, "type")?;
        if name == "LAST_REPAYMENT" {
            let sequence = self.last_payment.ok_or("no payment to undo")?;
            return self.record_today(reverse(self.name_of(sequence)?));
        }
        let on = date(step, "date")?;
        let nth = whole(step, "nth")?;
        let loan = self.loan()?;
        // Codes count all of a kind, names those of a day, and ANY everything of a day.
        let wanted: Vec<_> = transactions::listed(loan)
            .into_iter()
            .filter(|one| match name {
                "REPAYMENT" => one.kind == TransactionKind::Repayment,
                "ANY" => one.on == on,
                _ => one.on == on && transactions::name(one.kind) == name,
            })
            .collect();
        let found = wanted.get(nth.saturating_sub(1)).ok_or("no such transaction to undo")?;
        // A down payment may be undone without the disbursement it was taken from.
        let kind = Some(found.kind).filter(|kind| *kind == TransactionKind::DownPayment);
        let of = self.name_of(found.sequence)?;
        self.record_today(Action::Reverse { of, only: kind })
    }

    /// The name of the operation with a place among everything recorded.
    fn name_of(&self, sequence: u32) -> Result<String, String> {
        let operations = self.loan()?.operations();
        let found = operations.iter().find(|one| one.sequence == sequence);
        found.and_then(|one| one.operation.id.clone()).ok_or_else(|| "no such operation".into())
    }

    fn charge_back(&mut self, step: &Value) -> Done {
        let amount = number(step, "amount")?;
        let sequence = match step["payment_nr"].as_u64() {
            None => self.last_payment.ok_or("no payment to charge back")?,
            Some(nth) => {
                let kind = match optional(step, "of") {
                    Some("Downpayment") => TransactionKind::DownPayment,
                    _ => TransactionKind::Repayment,
                };
                let mut all = transactions::listed(self.loan()?);
                all.retain(|one| one.kind == kind);
                all.sort_by_key(|one| one.id);
                let at = usize::try_from(nth).map_err(show)?.saturating_sub(1);
                all.get(at).ok_or("no such payment to charge back")?.sequence
            }
        };
        let of = self.name_of(sequence)?;
        self.record_today(Action::Chargeback { of, amount })
    }

    fn definition(&self, code: &str) -> Result<&Definition, String> {
        let found = self.definitions.iter().find(|one| one.code == code);
        found.ok_or_else(|| format!("unknown charge {code}"))
    }

    fn redefine(&mut self, step: &Value) -> Done {
        self.redefined = true;
        let (code, basis) = (text(step, "charge")?, charges::basis(text(step, "calculation")?)?);
        let found = self.definitions.iter_mut().find(|one| one.code == code);
        found.ok_or_else(|| format!("unknown charge {code}"))?.basis = basis;
        Ok(())
    }

    fn add_charge(&mut self, step: &Value) -> Done {
        let definition = self.definition(text(step, "charge")?)?;
        let name = if optional(step, "percent").is_some() { "percent" } else { "amount" };
        let due_on = optional(step, "due_date").map(|due| parse(due, "due date")).transpose()?;
        let action = definition.action(number(step, name)?, due_on);
        self.last_charge = Some(self.record(self.today, action)?);
        Ok(())
    }

    /// The charge that a waiver is of. The source waives either of two it remembers, and the cases
    /// do not say which: it is the one of the amount that the transactions then show, else the last.
    fn charge_to_waive(&self) -> Option<String> {
        let then = self.steps.iter().skip(self.step);
        let shown = then.filter(|one| one["op"] == "expect_transactions").find_map(|one| {
            let rows = one["transactions"].as_array()?;
            rows.iter().find(|row| row["type"] == "Waive loan charges")
        });
        let amount = shown.and_then(|row| number(row, "amount").ok());
        let charges = self.loan.as_ref()?.charges().iter();
        let fits = |one: &&Charge| one.active && one.outstanding().ok() == amount;
        charges.rev().find(fits).map(|one| one.id.clone()).or_else(|| self.last_charge.clone())
    }

    fn adjust_charge(&mut self, step: &Value) -> Done {
        let name = self.definition(text(step, "charge")?)?.name;
        let due = date(step, "due_date")?;
        let of = |one: &&_| is_charge(one, name, due);
        let charge = self.loan()?.charges().iter().rfind(of).ok_or("no such charge")?.id.clone();
        let amount = number(step, "amount")?;
        self.record_today(Action::AdjustCharge { charge, amount })
    }

    fn reschedule(&mut self, row: &Value) -> Done {
        let on = date(row, "rescheduleFromDate")?;
        let given =
            |name: &str| optional(row, name).filter(|value| !value.is_empty() && *value != "0");
        let count = |name: &str| given(name).map_or(Ok(0), |value| parse(value, name));
        if let Some(to) = given("adjustedDueDate") {
            self.record(on, Action::ChangeDueDate { to: parse(to, "adjusted due date")? })?;
        }
        let (principal_grace, interest_grace) =
            (count("graceOnPrincipal")?, count("graceOnInterest")?);
        // The source adds as many instalments as are spared of principal.
        let extra_instalments: u32 = count("extraTerms")? + principal_grace;
        if extra_instalments + principal_grace + interest_grace > 0 {
            let action = Action::Reschedule { extra_instalments, principal_grace, interest_grace };
            self.record(on, action)?;
        }
        if let Some(rate) = given("newInterestRate") {
            let annual_rate = percent(parse(rate, "new rate")?);
            self.record(on, Action::ChangeRate { annual_rate })?;
        }
        Ok(())
    }

    fn re_age(&mut self, row: &Value) -> Done {
        let action = Action::ReAge {
            from: date(row, "startDate")?,
            instalments: parse(text(row, "numberOfInstallments")?, "number of instalments")?,
            frequency: frequency(text(row, "frequencyNumber")?, text(row, "frequencyType")?)?,
        };
        self.last_re_age = Some(self.record(self.today, action)?);
        Ok(())
    }
}

fn is_charge(
    one: &loan_engine::domain::loan::servicing::Charge,
    name: &str,
    due: NaiveDate,
) -> bool {
    one.name == name && one.due_on == Some(due)
}

fn reverse(of: String) -> Action {
    Action::Reverse { of, only: None }
}

fn owned(step: &Value, name: &str) -> Result<String, String> {
    text(step, name).map(str::to_owned)
}

fn first_row(step: &Value) -> Result<&Value, String> {
    list(step, "data")?.first().ok_or_else(|| "no data".into())
}

/// A refusal with its details.
fn refusal(error: &loan_engine::domain::loan::servicing::ServicingError) -> String {
    format!("refused: {error} ({error:?})")
}
