// Whether somebody is writing, asking or sending in a part of the page.

// Whether a field holds something else than the server sent.
export function changed(field) {
  if (field.type === "hidden" || field.type === "submit" || field.type === "button") return false;
  if (field.type === "checkbox" || field.type === "radio") {
    return field.checked !== field.defaultChecked;
  }
  if (field.tagName === "SELECT") {
    const first = [...field.options].some((option) => option.defaultSelected);
    return [...field.options].some((option, index) =>
      first ? option.selected !== option.defaultSelected : option.selected && index > 0,
    );
  }
  return field.value !== field.defaultValue;
}

const fields = (box) => [...box.querySelectorAll("input, select, textarea")];

export function isBusy(box, held = "input, select, textarea, summary, button") {
  if (!box) return false;
  const focused = document.activeElement;
  return (
    (box.contains(focused) && focused.matches(held)) ||
    // data-typed: a form that came back with what was typed, and with what is wrong about it.
    box.querySelector("[data-sending], [data-asking], [data-typed], form.htmx-request") !== null ||
    fields(box).some(changed)
  );
}
