//! Charges, changes of terms and transactions in the short form.

use chrono::NaiveDate;

use super::super::amounts::Amounts;
use super::super::charge::{Charge, ChargeShare, ChargeTiming};
use super::super::transaction::{Allocation, ChargePart, Reversal, Transaction, TransactionKind};
use super::super::variation::{Change, Variation};
use super::{KEPT_MAX, LINES_MAX};
use crate::domain::loan::terms::FeeBasis;
use crate::domain::loan::wire::{Damaged, Reader, Writer};

const TIMINGS: [ChargeTiming; 4] = [
    ChargeTiming::AtDisbursement,
    ChargeTiming::OnDate,
    ChargeTiming::PerInstalment,
    ChargeTiming::Overdue,
];
const BASES: [FeeBasis; 5] = [
    FeeBasis::Flat,
    FeeBasis::Amount,
    FeeBasis::Interest,
    FeeBasis::AmountAndInterest,
    FeeBasis::Disbursement,
];
/// In an order that does not change: their places are what is stored.
const KINDS: [TransactionKind; 29] = [
    TransactionKind::Disbursement,
    TransactionKind::DownPayment,
    TransactionKind::RepaymentAtDisbursement,
    TransactionKind::Repayment,
    TransactionKind::MerchantRefund,
    TransactionKind::PayoutRefund,
    TransactionKind::GoodwillCredit,
    TransactionKind::InterestPaymentWaiver,
    TransactionKind::InterestRefund,
    TransactionKind::ChargeRefund,
    TransactionKind::ChargeAdjustment,
    TransactionKind::ChargePayment,
    TransactionKind::InterestWaiver,
    TransactionKind::ChargeWaiver,
    TransactionKind::WriteOff,
    TransactionKind::Recovery,
    TransactionKind::ChargeOff,
    TransactionKind::Chargeback,
    TransactionKind::CreditBalanceRefund,
    TransactionKind::Refund,
    TransactionKind::Accrual,
    TransactionKind::AccrualAdjustment,
    TransactionKind::AccrualActivity,
    TransactionKind::CapitalisedIncome,
    TransactionKind::CapitalisedIncomeAmortisation,
    TransactionKind::ReAge,
    TransactionKind::ReAmortise,
    TransactionKind::OwnerTransfer,
    TransactionKind::Termination,
];

/// Writes one of a few values by its place among them.
pub(super) fn pack_name<T: PartialEq>(writer: &mut Writer, all: &[T], one: &T) {
    writer.byte(all.iter().position(|known| known == one).map_or(u8::MAX, |at| at as u8));
}

pub(super) fn unpack_name<T: Copy>(reader: &mut Reader<'_>, all: &[T]) -> Result<T, Damaged> {
    all.get(usize::from(reader.byte()?)).copied().ok_or(Damaged)
}

pub(super) fn pack_variation(writer: &mut Writer, base: NaiveDate, one: &Variation) {
    writer.number(one.sequence.into());
    writer.date(base, one.on);
    writer.date(base, one.recorded_on);
    writer.flag(one.active);
    match one.change {
        Change::Rate(rate) => {
            writer.byte(0);
            writer.decimal(rate);
        }
        Change::InterestPause(day) => pack_dated(writer, base, 1, day),
        Change::DueDate(day) => pack_dated(writer, base, 2, day),
        Change::ExtraInstalments(count) => pack_counted(writer, 3, count),
        Change::PrincipalGrace(count) => pack_counted(writer, 4, count),
        Change::InterestGrace(count) => pack_counted(writer, 5, count),
        Change::Holiday(day) => pack_dated(writer, base, 6, day),
        Change::Skip => writer.byte(7),
        Change::DelinquencyPause(day) => pack_dated(writer, base, 8, day),
    }
}

fn pack_dated(writer: &mut Writer, base: NaiveDate, change: u8, day: NaiveDate) {
    writer.byte(change);
    writer.date(base, day);
}

fn pack_counted(writer: &mut Writer, change: u8, count: u32) {
    writer.byte(change);
    writer.number(count.into());
}

pub(super) fn unpack_variation(
    reader: &mut Reader<'_>,
    base: NaiveDate,
) -> Result<Variation, Damaged> {
    let sequence = reader.small()?;
    let (on, recorded_on) = (reader.date(base)?, reader.date(base)?);
    let active = reader.flag()?;
    let change = match reader.byte()? {
        0 => Change::Rate(reader.decimal()?),
        1 => Change::InterestPause(reader.date(base)?),
        2 => Change::DueDate(reader.date(base)?),
        3 => Change::ExtraInstalments(reader.small()?),
        4 => Change::PrincipalGrace(reader.small()?),
        5 => Change::InterestGrace(reader.small()?),
        6 => Change::Holiday(reader.date(base)?),
        7 => Change::Skip,
        8 => Change::DelinquencyPause(reader.date(base)?),
        _ => return Err(Damaged),
    };
    Ok(Variation { sequence, on, recorded_on, change, active })
}

pub(super) fn pack_charge(writer: &mut Writer, base: NaiveDate, one: &Charge) {
    writer.text(&one.id);
    writer.text(&one.name);
    writer.flag(one.penalty);
    pack_name(writer, &TIMINGS, &one.timing);
    pack_name(writer, &BASES, &one.basis);
    writer.flag(one.active);
    writer.optional(one.due_on, |writer, day| writer.date(base, day));
    writer.optional(one.overdue_since, |writer, day| writer.date(base, day));
    writer.date(base, one.recorded_on);
    writer.number(one.sequence.into());
    for amount in [one.value, one.amount, one.paid, one.waived, one.written_off] {
        writer.decimal(amount);
    }
    writer.list(&one.shares, |writer, share| {
        writer.date(base, share.due_date);
        for amount in [share.amount, share.paid, share.waived] {
            writer.decimal(amount);
        }
    });
}

pub(super) fn unpack_charge(reader: &mut Reader<'_>, base: NaiveDate) -> Result<Charge, Damaged> {
    Ok(Charge {
        id: reader.text()?,
        name: reader.text()?,
        penalty: reader.flag()?,
        timing: unpack_name(reader, &TIMINGS)?,
        basis: unpack_name(reader, &BASES)?,
        active: reader.flag()?,
        due_on: reader.optional(|reader| reader.date(base))?,
        overdue_since: reader.optional(|reader| reader.date(base))?,
        recorded_on: reader.date(base)?,
        sequence: reader.small()?,
        value: reader.decimal()?,
        amount: reader.decimal()?,
        paid: reader.decimal()?,
        waived: reader.decimal()?,
        written_off: reader.decimal()?,
        shares: reader.list(LINES_MAX, |reader| {
            Ok(ChargeShare {
                due_date: reader.date(base)?,
                amount: reader.decimal()?,
                paid: reader.decimal()?,
                waived: reader.decimal()?,
            })
        })?,
    })
}

pub(super) fn pack_transaction(writer: &mut Writer, base: NaiveDate, one: &Transaction) {
    writer.number(one.id.into());
    writer.number(one.sequence.into());
    pack_name(writer, &KINDS, &one.kind);
    writer.date(base, one.on);
    writer.date(base, one.recorded_on);
    writer.decimal(one.amount);
    pack_amounts(writer, &one.portions);
    writer.decimal(one.overpaid);
    writer.decimal(one.balance);
    writer.list(&one.allocations, |writer, part| {
        writer.date(base, part.due_date);
        writer.number(part.line.into());
        pack_amounts(writer, &part.amounts);
    });
    writer.list(&one.charges, |writer, part| {
        writer.text(&part.charge);
        writer.number(part.line.into());
        writer.decimal(part.amount);
    });
    for other in [one.of, one.replaces] {
        writer.number(other.unwrap_or(0).into());
    }
    writer.optional(one.reversed, |writer, by| {
        writer.date(base, by.recorded_on);
        writer.number(by.sequence.into());
        writer.flag(by.asked);
    });
}

pub(super) fn unpack_transaction(
    reader: &mut Reader<'_>,
    base: NaiveDate,
) -> Result<Transaction, Damaged> {
    let other = |number: u32| Some(number).filter(|number| *number > 0);
    Ok(Transaction {
        id: reader.small()?,
        sequence: reader.small()?,
        kind: unpack_name(reader, &KINDS)?,
        on: reader.date(base)?,
        recorded_on: reader.date(base)?,
        amount: reader.decimal()?,
        portions: unpack_amounts(reader)?,
        overpaid: reader.decimal()?,
        balance: reader.decimal()?,
        allocations: reader.list(LINES_MAX, |reader| {
            Ok(Allocation {
                due_date: reader.date(base)?,
                line: reader.small()?,
                amounts: unpack_amounts(reader)?,
            })
        })?,
        charges: reader.list(KEPT_MAX, |reader| {
            Ok(ChargePart {
                charge: reader.text()?,
                line: reader.small()?,
                amount: reader.decimal()?,
            })
        })?,
        of: other(reader.small()?),
        replaces: other(reader.small()?),
        reversed: reader.optional(|reader| {
            Ok(Reversal {
                recorded_on: reader.date(base)?,
                sequence: reader.small()?,
                asked: reader.flag()?,
            })
        })?,
    })
}

fn pack_amounts(writer: &mut Writer, amounts: &Amounts) {
    for amount in [amounts.principal, amounts.interest, amounts.fee, amounts.penalty] {
        writer.decimal(amount);
    }
}

fn unpack_amounts(reader: &mut Reader<'_>) -> Result<Amounts, Damaged> {
    Ok(Amounts {
        principal: reader.decimal()?,
        interest: reader.decimal()?,
        fee: reader.decimal()?,
        penalty: reader.decimal()?,
    })
}
