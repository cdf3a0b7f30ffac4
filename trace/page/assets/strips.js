// Below the lanes: what the senders of a connection knew. Above each curve is room
// for its values: nothing that is written covers what fell.

const head = 18;

// stripsOf are a connection's, of each direction that has something to show.
function stripsOf(c) {
  const all = [];
  for (const back of [0, 1]) {
    const sender = c.senders[back];
    if (sender.at.length < 2) continue;
    const to = [hostName(c.hosts[back]), hostName(c.hosts[1 - back])].join(" → ");
    all.push(
      strip("cwnd", "segment", to, back, sender, [
        { name: "cwnd", values: sender.cwnd }, { name: "ssthresh", values: sender.ssthresh, dash: [4, 3] },
        { name: "under way", values: sender.outstanding, area: true },
      ], (v) => `${v}`, largest(sender.cwnd, sender.outstanding) * 1.15),
      strip("RTT, RTO", "", to, back, sender, [
        { name: "RTT", values: sender.srtt.map((v) => v || -1) }, { name: "RTO", values: sender.rto, dash: [4, 3] },
      ], duration, largest(sender.srtt, sender.rto) * 1.15),
    );
  }
  return all;
}

const largest = (...all) => all.reduce((most, values) => values.reduce((a, b) => Math.max(a, b), most), 1);

function strip(title, unit, way, back, sender, series, said, most) {
  return {
    strip: title, way, back,
    draw(box) {
      const floor = box.y + box.h - 3, room = box.h - head - 5;
      const y = (v) => floor - Math.min(1, v / most) * room;
      const stroke = back ? color.back : color.forth;
      within(box, () => {
        for (const s of series) {
          ctx.strokeStyle = stroke;
          ctx.fillStyle = stroke;
          ctx.lineWidth = s.area ? 0.01 : 1.5;
          ctx.setLineDash(s.dash || []);
          stepped(sender.at, s.values, y);
          if (s.area) {
            ctx.globalAlpha = 0.16;
            ctx.lineTo(Math.min(area.x + area.w + 2, X(story.length)), floor);
            ctx.lineTo(Math.max(area.x - 2, X(sender.at[0])), floor);
            ctx.fill();
            ctx.globalAlpha = 1;
          } else ctx.stroke();
        }
        ctx.setLineDash([]);
      });
      const at = now.pointed?.time ?? view.to;
      const i = firstAbove(sender.at, at, false) - 1;
      if (i < 0) return;
      const known = series.filter((s) => s.values[i] >= 0);
      const values = known.map((s) => `${s.name} ${unit && s === known.at(-1) ? count(s.values[i], unit) : said(s.values[i])}`);
      note(box, values.join(" · "));
    },
  };
}
