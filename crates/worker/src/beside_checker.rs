//! Verification in a thread of its own, beside coding.
//!
//! Invariant: the verifying thread alone writes to the output, in the order in which slots arrive.
//! If that fails, it reports and ends the process itself, since the other thread may be waiting for
//! input; the other thread never reports while a slot is here, so there is one report.

use lepta_sandbox::{Receiver, Sender, StandardOutput};
use lepta_worker::status::Status;

use crate::compress::Checker;
use crate::ending::Ending;
use crate::failure::Failure;
use crate::slot::Slot;
use crate::streams::Output;
use crate::verifier::{Verdict, Verifier, VerifierOptions};

/// What the verifying thread is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Allocate the decoder: the job is known. Comes first, and once.
    Begin(VerifierOptions),
    /// Judge this slot, and send it back.
    Judge(Box<Slot>),
}

/// A slot on its way back.
pub(crate) type Judged = (Slot, Verdict);

/// The coding side of the pair.
#[derive(Debug)]
pub(crate) struct BesideChecker {
    orders: Sender<Order>,
    judged: Receiver<Judged>,
}

impl BesideChecker {
    /// Most values on their way in one direction: the start and one slot.
    pub(crate) const CAPACITY: usize = 2;

    pub(crate) fn new(orders: Sender<Order>, judged: Receiver<Judged>) -> Self {
        Self { orders, judged }
    }

    /// Starts the verification. Must come before the first slot.
    pub(crate) fn begin(&mut self, options: VerifierOptions) {
        self.send(Order::Begin(options));
    }

    fn send(&mut self, order: Order) {
        let sent = self.orders.send(order);
        assert!(sent.is_ok(), "one slot at a time is with the verifier");
    }
}

impl Checker for BesideChecker {
    fn submit(&mut self, slot: Slot) {
        self.send(Order::Judge(Box::new(slot)));
    }

    fn collect(&mut self) -> (Slot, Result<Verdict, Failure>) {
        let (slot, verdict) = self.judged.receive();
        (slot, Ok(verdict))
    }
}

/// The verifying thread. Ends with the process.
pub(crate) fn verify_beside(
    mut orders: Receiver<Order>,
    mut judged: Sender<Judged>,
    ending: Ending,
) {
    let mut verifier = None;
    loop {
        match (orders.receive(), &mut verifier) {
            (Order::Begin(options), _) => {
                verifier = Some(Verifier::new(&options, Output::new(StandardOutput)));
            }
            (Order::Judge(mut slot), Some(verifier)) => match verifier.judge(&mut slot) {
                Ok(verdict) => {
                    let sent = judged.send((*slot, verdict));
                    assert!(sent.is_ok(), "one slot at a time is with the verifier");
                }
                Err(failure) => ending.leave(slot.report, Err(failure)),
            },
            (Order::Judge(slot), None) => {
                let failure = Failure::new(Status::Internal, "a slot came before its job");
                ending.leave(slot.report, Err(failure));
            }
        }
    }
}
