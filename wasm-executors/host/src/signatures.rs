//! The events of the world with their types: whether a component exports all of them as they are
//! called here. It never calls one.

use wasmtime::component::types::{Component, ComponentFunc, ComponentItem};
use wasmtime::{Engine, Result};

use crate::inspect::InvalidModule;
use crate::spoken::{EVENTS, REBUILD, WORLD_VERSION};
use crate::world::exports::stoa::executor::events::ExecutorInfo;
use crate::world::stoa::executor::types::{KillPolicy, Reason, TaskInfo, Usage};

type Check = fn(&ComponentFunc, &Component) -> Result<()>;

/// Every event and what it is called with.
const SIGNATURES: [(&str, Check); 10] = [
    ("registered", |it, of| it.typecheck::<(&ExecutorInfo,), ()>(&of.instance_type())),
    ("reregistered", |it, of| it.typecheck::<(&ExecutorInfo,), ()>(&of.instance_type())),
    ("launch-task", |it, of| {
        it.typecheck::<(&TaskInfo,), (std::result::Result<(), String>,)>(&of.instance_type())
    }),
    ("kill-task", |it, of| it.typecheck::<(&str, KillPolicy), ()>(&of.instance_type())),
    ("message", |it, of| it.typecheck::<(&[u8],), ()>(&of.instance_type())),
    ("acknowledged", |it, of| it.typecheck::<(&str,), ()>(&of.instance_type())),
    ("subtask-exited", |it, of| {
        it.typecheck::<(Option<&str>, u64, &Reason, Usage), ()>(&of.instance_type())
    }),
    ("subtask-output", |it, of| {
        it.typecheck::<(Option<&str>, u64, bool, &[u8]), ()>(&of.instance_type())
    }),
    ("tick", |it, of| it.typecheck::<(), ()>(&of.instance_type())),
    ("shutdown", |it, of| it.typecheck::<(u64,), ()>(&of.instance_type())),
];

/// Whether the component exports every event as it is called here.
pub(crate) fn check_events(engine: &Engine, component: &Component) -> Result<(), InvalidModule> {
    let of_events = |name: &str| name.split('@').next() == Some(EVENTS);
    let events = component.exports(engine).find(|(name, _)| of_events(name));
    let Some(ComponentItem::ComponentInstance(events)) = events.map(|(_, it)| it.ty) else {
        return Err(InvalidModule::OtherEvents(format!("{EVENTS} is no interface; {REBUILD}")));
    };
    let spoken = format!("this Stoa speaks {EVENTS}@{WORLD_VERSION}; {REBUILD}");
    for (name, check) in SIGNATURES {
        let Some(ComponentItem::ComponentFunc(event)) =
            events.get_export(engine, name).map(|it| it.ty)
        else {
            return Err(InvalidModule::OtherEvents(format!("there is no {name}: {spoken}")));
        };
        if event.async_() {
            let message = format!("{name} is async, which no event is: {spoken}");
            return Err(InvalidModule::OtherEvents(message));
        }
        check(&event, component).map_err(|error| {
            let message = format!("{name} has another signature ({error:#}): {spoken}");
            InvalidModule::OtherEvents(message)
        })?;
    }
    Ok(())
}
