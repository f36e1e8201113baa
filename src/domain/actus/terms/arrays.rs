//! The arrays of a LAX out of JSON.

use serde_json::Value;

use super::values::{amount_or_zero, cycle, rate};
use super::{ArrayTerms, RedemptionSegment, ResetSegment, Segment};
use crate::domain::actus::cycle::Cycle;
use crate::domain::actus::reader::{Reader, one_of, time};
use crate::domain::actus::time::ContractTime;

pub(super) fn arrays(r: &mut Reader<'_>) -> ArrayTerms {
    const DIRECTIONS: [(&str, bool); 2] = [("INC", true), ("DEC", false)];
    const KINDS: [(&str, bool); 4] = [("F", true), ("FIX", true), ("V", false), ("VAR", false)];
    let dates = segments(r, "PrincipalRedemption");
    let amounts = per_segment(r, "arrayNextPrincipalRedemptionPayment", amount_or_zero, &dates);
    let draws =
        per_segment(r, "arrayIncreaseDecrease", |v| one_of(v, "direction", &DIRECTIONS), &dates);
    let redemptions = dates
        .into_iter()
        .zip(amounts)
        .zip(draws)
        .map(|((dates, amount), draws)| RedemptionSegment { dates, amount, draws })
        .collect();
    let interest = segments(r, "InterestPayment");
    let dates = segments(r, "RateReset");
    let rates = per_segment(r, "arrayRate", rate, &dates);
    let kinds = per_segment(r, "arrayFixedVariable", |v| one_of(v, "kind of rate", &KINDS), &dates);
    let resets = dates
        .into_iter()
        .zip(rates)
        .zip(kinds)
        .map(|((dates, rate), fixed)| ResetSegment { dates, rate, fixed })
        .collect();
    ArrayTerms { redemptions, interest, resets }
}

/// The anchors of an array with their cycles: none at all, one for all, or one each.
fn segments(r: &mut Reader<'_>, of: &str) -> Vec<Segment> {
    let (anchor_name, cycle_name) =
        (format!("arrayCycleAnchorDateOf{of}"), format!("arrayCycleOf{of}"));
    let anchors: Vec<ContractTime> = r.list(&anchor_name, time);
    let cycles: Vec<Cycle> = r.list(&cycle_name, cycle);
    if let Some(index) = anchors.windows(2).position(|pair| matches!(pair, [a, b] if a >= b)) {
        r.note(&format!("{anchor_name}[{}]", index + 1), "is not after the one before it");
    }
    if cycles.len() != anchors.len() && (cycles.len() > 1 || anchors.is_empty()) {
        let reason = format!("has {} elements for {} anchors", cycles.len(), anchors.len());
        r.note(&cycle_name, reason);
    }
    anchors
        .into_iter()
        .enumerate()
        .map(|(index, anchor)| Segment {
            anchor,
            cycle: if cycles.len() == 1 { cycles.first() } else { cycles.get(index) }.copied(),
        })
        .collect()
}

/// A list with one element for each segment.
fn per_segment<T>(
    r: &mut Reader<'_>,
    name: &str,
    parse: fn(&Value) -> Result<T, String>,
    segments: &[Segment],
) -> Vec<T> {
    let given = match r.value(name) {
        Some(Value::Array(elements)) => elements.len(),
        Some(_) => 1,
        None => 0,
    };
    if given != segments.len() {
        let reason = format!("has {given} elements for {} anchors", segments.len());
        r.note(name, reason);
    }
    r.list(name, parse)
}
