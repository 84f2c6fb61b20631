use strongroom::client::flow::Flow;

#[derive(Debug)]
struct Mine;

impl Flow for Mine { //~ E0277 the trait bound `Mine: flow::contract::Parts` is not satisfied
    type Outcome = ();
    type Saved = ();

    fn saved(&mut self) {}

    fn give_up(&mut self) {}
}

fn look_inside(flow: &mut impl Flow) {
    flow.machine_mut(); //~ E0624 method `machine_mut` is private
}
