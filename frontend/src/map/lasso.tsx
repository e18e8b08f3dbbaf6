/** Drawing a line around points; it lies over the map while the lasso is chosen. */
import { type PointerEvent, useState } from "react";

type Place = [number, number];

export function LassoLine({ onDone }: { onDone: (line: Place[]) => void }) {
  const [line, setLine] = useState<Place[]>([]);
  const at = (event: PointerEvent<SVGSVGElement>): Place => {
    const box = event.currentTarget.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  return (
    <svg
      className="lasso"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setLine([at(event)]);
      }}
      onPointerMove={(event) => line.length > 0 && setLine([...line, at(event)])}
      onPointerUp={() => {
        onDone(line);
        setLine([]);
      }}
    >
      <polygon points={line.map(([x, y]) => `${x},${y}`).join(" ")} />
    </svg>
  );
}
