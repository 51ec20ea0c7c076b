//! The invariants that are checked, each with its id and in a sentence. It never checks any.
//!
//! The letters say what they are about: L leadership, R resources and offers, T tasks, U Updates,
//! A agents, F frameworks, D durability, V what must be once nothing goes wrong any more, and O
//! what this house demands besides.

/// Lists every invariant once: an enum, its ids and its sentences.
macro_rules! invariants {
    ($($name:ident $statement:literal,)*) => {
        /// An invariant, by its id.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant {
            $(
                #[doc = $statement]
                $name,
            )*
        }

        impl Invariant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The id, such as `U4`.
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What must hold.
            pub const fn statement(self) -> &'static str {
                match self {
                    $(Self::$name => $statement,)*
                }
            }
        }
    };
}

invariants! {
    L1 "an epoch is one master's",
    L2 "an epoch that is obeyed never decreases, and is durable at an agent before",
    L3 "a commit happens only while the leader key has the committer's epoch",
    L4 "what a former leader says changes nothing at an agent",
    L5 "a master whose lease may be over says nothing",
    L7 "an epoch is never used again",
    R1 "free, offered and used is the total",
    R2 "what is offered is in offers, and nothing twice",
    R3 "an offer is made once and closed once",
    R5 "a Launch with an offer that is not open and its own launches nothing and is answered",
    R6 "the tasks of a Launch hold no more than its offers",
    R7 "what an agent has admitted fits into what it gives",
    R8 "what a task held is freed once its end is durable at its agent",
    R10 "an agent is offered after it has come to this master, and not before",
    R11 "offers of a stream that broke are void",
    R13 "nothing is used in the end",
    T1 "a task is started once",
    T3 "a launch is durable before the task starts",
    T4 "every task ends to its author's knowledge",
    T5 "a task's states follow each other as they may",
    T6 "a task ends once, and that is final",
    T7 "what is over does not start",
    T8 "what is killed ends",
    T9 "what a removed framework had is over, and it never comes back",
    T11 "an agent runs what the scheduler has launched",
    U1 "an Update is durable before it is sent",
    U2 "an Update is sent once the one before is acknowledged",
    U3 "an Update is sent until it is acknowledged",
    U4 "what is acknowledged is not sent again",
    U5 "Updates arrive in order, and once in the life of a process",
    U6 "only what the scheduler has taken in is acknowledged",
    U10 "every question is answered, and nothing that runs is told to be over",
    U11 "nothing is kept in the end",
    A1 "a master says what it has recorded, and not before",
    A2 "an agent that is gone never comes back",
    A4 "an agent is not given up before its time is over",
    A5 "no agent is given up while too many are away",
    A6 "agents are given up one after another",
    F1 "a framework has one stream",
    F2 "a framework is removed by its own will or once its time is over",
    D1 "what was recorded is what is known after a restart",
    V1 "somebody leads",
    V2 "everyone gets through",
    O1 "a core's own check holds",
    O2 "nothing panics",
    O3 "time goes on",
    O4 "each command of a session is applied once, in order",
    O5 "only active agents are offered, and nothing runs on what is drained",
    O6 "everyone comes to rest",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_they_are_called() {
        assert_eq!(Invariant::U4.id(), "U4");
        assert!(Invariant::ALL.iter().all(|it| !it.statement().is_empty()));
    }
}
