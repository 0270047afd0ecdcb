//! All that makes events, and the plan of who takes the next step.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::market::Provider;
use crate::order::Order;
use crate::stage::Stage;
use crate::vm::Vm;

/// A place is one for so many VMs.
const VMS_FOR_EXECUTOR: u32 = 20;
const VMS_FOR_API: u32 = 20;
const VMS_FOR_STORAGE: u32 = 40;
const VMS_FOR_ORDER: u32 = 50;
/// The low bits of an entry of the plan hold the number of the place, the others the instant: 2²⁴ places, and
/// milliseconds for more than ten thousand years.
const PLACE_BITS: u32 = 24;

/// What makes events.
#[derive(Debug)]
enum Place {
    Vm(Vm),
    Order(Order),
    Provider(Provider),
}

/// All places, and when each of them takes its next step.
#[derive(Debug)]
pub struct Fleet {
    places: Vec<Place>,
    /// One entry for each place; the first step first, and of those at one instant that of the first place.
    plan: BinaryHeap<Reverse<u64>>,
}

impl Fleet {
    /// The fleet of so many VMs and what belongs to them, before its first step.
    pub fn new(vms: u32, stage: &mut Stage) -> Fleet {
        let mut fleet = Fleet { places: Vec::new(), plan: BinaryHeap::new() };
        for place in 0..vms as usize {
            let vm = Vm::new(place, stage);
            let first_ms = vm.first_step_ms(stage);
            fleet.add(Place::Vm(vm), first_ms);
        }
        for place in 0..vms.div_ceil(VMS_FOR_ORDER) as usize {
            let order = Order::new(place, stage);
            let first_ms = Order::first_step_ms(place, stage);
            fleet.add(Place::Order(order), first_ms);
        }
        type Maker = fn(usize, &mut Stage) -> Provider;
        let makers: [(u32, Maker); 3] = [
            (VMS_FOR_EXECUTOR, Provider::executor),
            (VMS_FOR_API, Provider::api),
            (VMS_FOR_STORAGE, Provider::storage),
        ];
        for (vms_for_one, make) in makers {
            for place in 0..vms.div_ceil(vms_for_one) as usize {
                let provider = make(place, stage);
                let first_ms = provider.first_step_ms(stage);
                fleet.add(Place::Provider(provider), first_ms);
            }
        }
        fleet
    }

    fn add(&mut self, place: Place, first_ms: u64) {
        let number = u64::try_from(self.places.len()).unwrap_or(0);
        self.plan.push(Reverse(first_ms << PLACE_BITS | number));
        self.places.push(place);
    }

    /// When the next step is. There is always one.
    pub fn next_step_ms(&self) -> Option<u64> {
        self.plan.peek().map(|Reverse(entry)| entry >> PLACE_BITS)
    }

    /// Takes the next step.
    pub fn step(&mut self, stage: &mut Stage) {
        let Some(mut first) = self.plan.peek_mut() else { return };
        let (at_ms, number) = (first.0 >> PLACE_BITS, first.0 & ((1 << PLACE_BITS) - 1));
        let place = usize::try_from(number).ok().and_then(|number| self.places.get_mut(number));
        let next_ms = match place {
            Some(Place::Vm(vm)) => vm.step(at_ms, stage),
            Some(Place::Order(order)) => order.step(at_ms, stage),
            Some(Place::Provider(provider)) => provider.step(at_ms, stage),
            None => {
                PeekMut::pop(first);
                return;
            }
        };
        debug_assert!(next_ms > at_ms);
        *first = Reverse(next_ms << PLACE_BITS | number);
    }
}
